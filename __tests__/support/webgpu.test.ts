/** The worker of Dawn: it ends by itself, after what it was asked for, however much that is. */
import { startWebGPU } from './webgpu/node.cjs';

test('stop lets it finish: terminated amid a call, it would take the process along', async () => {
  const { stop } = startWebGPU();
  expect(await stop()).toBe(0); // 1 is a worker that was terminated
});
