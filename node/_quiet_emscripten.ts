/**
 * Makes Node print uncaught errors as usual. The wasm backend's loader, made by Emscripten, catches them and rethrows
 * them from its source, one line of 37 kB, which Node then prints instead of the user's. Nothing else depends on its
 * listeners, so they are removed as they are added.
 */
const emscriptens = {
  uncaughtException: /instanceof ExitStatus/,
  unhandledRejection: /^function\s*\(reason\)\s*\{\s*throw reason;?\s*\}$/,
};

process.on('newListener', (event: string | symbol, listener: (...args: unknown[]) => void) => {
  const source = emscriptens[event as keyof typeof emscriptens];
  if (source?.test(String(listener))) {
    process.nextTick(() => process.removeListener(event, listener));
  }
});
