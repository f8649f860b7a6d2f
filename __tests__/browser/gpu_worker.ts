/** The page's worker that owns its WebGPU device, for the worker that runs the tests. */
import { serve } from '../support/webgpu/server.cjs';

self.onmessage = ({ data: { memory, port } }) => {
  const take = serve((navigator as unknown as { gpu: unknown }).gpu, memory);
  let last: Promise<void> = Promise.resolve();
  // One message after another: each waits for the answers that the one before it asks for.
  port.onmessage = ({ data }: MessageEvent) => {
    last = last.then(() => take(data));
  };
};
