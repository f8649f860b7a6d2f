/**
 * Uncaught errors as Node prints them. The wasm backend's loader, made by Emscripten, listens for them
 * and throws them again from its own source, one line of 37 kB, which Node then prints instead of the
 * user's. Nothing else depends on its listeners, so they are taken out as they come.
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
