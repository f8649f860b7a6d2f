/** Dawn, from the npm package webgpu, served to tests in Node. */
const { workerData, parentPort } = require('node:worker_threads');
const { serve } = require('./server.cjs');

(async () => {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const take = serve(create([]), workerData);
  let last = Promise.resolve();
  // One message after another: each waits for the answers that the one before it asks for.
  parentPort.on('message', (commands) => {
    last = last.then(() => (commands === 'end' ? process.exit() : take(commands)));
  });
})();
