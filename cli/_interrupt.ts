/** Ctrl-C as an AbortSignal. */

/** npm and tsx pass a Ctrl-C on: the same one may come several times, this many ms apart. */
const ECHO_MS = 2000;

/** A signal that the first Ctrl-C aborts; a second one, later, ends the process at once. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  process.on('SIGINT', () => {
    if (controller.signal.aborted && Date.now() - first > ECHO_MS) process.exit(130);
    if (!controller.signal.aborted) first = Date.now();
    controller.abort();
  });
  return controller.signal;
}
