/** The page's worker that runs one test file on one backend, and says how its tests fared. */
import { connect, GPUBufferUsage, readAtOnce } from '../support/webgpu/client.cjs';

self.onmessage = async ({ data: { file, backend, memory, port } }) => {
  const client = connect((commands: unknown) => port.postMessage(commands), memory);
  Object.defineProperty(navigator, 'gpu', { value: client.gpu });
  Object.assign(globalThis, {
    GPUBuffer: client.GPUBuffer,
    GPUBufferUsage,
    readWebGPUAtOnce: readAtOnce,
    spikingformerTestBackends: [backend],
  });
  try {
    await import(file);
    const { runTests } = globalThis as unknown as { runTests(): Promise<unknown> };
    self.postMessage({ results: await runTests() });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.stack : String(error) });
  }
};
