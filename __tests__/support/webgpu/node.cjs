/** Dawn for tests in Node: the globals that a browser with WebGPU has. */
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { connect, GPUBufferUsage, GPUMapMode, readAtOnce } = require('./client.cjs');

/**
 * Starts the worker that owns the device. `stop` lets it finish and end: one that is terminated amid a call
 * of Dawn's takes the process with it.
 */
function startWebGPU() {
  const memory = {
    word: new SharedArrayBuffer(8),
    answer: new SharedArrayBuffer(16 * 1024 * 1024),
  };
  const worker = new Worker(path.join(__dirname, 'node_worker.cjs'), { workerData: memory });
  worker.unref();
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const { gpu, GPUBuffer } = connect((commands) => worker.postMessage(commands), memory);
  const globals = {
    navigator: { gpu },
    GPUBuffer,
    GPUTexture: class GPUTexture {},
    GPUBufferUsage,
    GPUMapMode,
    readWebGPUAtOnce: readAtOnce,
  };
  const stop = () => {
    worker.ref();
    worker.postMessage('end');
    return ended;
  };
  return { globals, stop };
}

module.exports = { startWebGPU };
