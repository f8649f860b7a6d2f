/** Dawn in a worker: it ends by itself, after what it was asked for, and no answer is taken for another. */
import { Worker } from 'node:worker_threads';
import { connect } from './webgpu/client.cjs';
import { startWebGPU } from './webgpu/node.cjs';

test('stop lets it finish: terminated amid a call, it would take the process along', async () => {
  const { stop } = startWebGPU();
  expect(await stop()).toBe(0); // 1 is a worker that was terminated
});

test('the notice of an answer, come late, is not taken for the next answer', async () => {
  const memory = { word: new SharedArrayBuffer(8), answer: new SharedArrayBuffer(1000) };
  const worker = new Worker(
    `const { workerData: { word, answer }, parentPort } = require('node:worker_threads');
    const words = new Int32Array(word);
    parentPort.on('message', () => {
      for (let i = 0; i < 20; i++) {
        Atomics.notify(words, 0);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
      const bytes = new TextEncoder().encode('{"limits": {}, "info": {"vendor": "the answer"}}');
      new Uint8Array(answer).set(bytes);
      words[1] = bytes.length;
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
    });`,
    { eval: true, workerData: memory },
  );
  const { gpu } = connect((commands) => worker.postMessage(commands), memory);
  const { requestAdapter } = gpu as { requestAdapter(): Promise<{ info: unknown }> };
  try {
    expect((await requestAdapter()).info).toEqual({ vendor: 'the answer' });
  } finally {
    await worker.terminate();
  }
});
