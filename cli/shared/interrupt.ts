/** Ctrl-C, SIGTERM and SIGHUP as an AbortSignal: what runs ends in order, and says how to go on. */

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Name = keyof typeof numbers;

/** npm and tsx pass a signal on, and systemd sends two: within so many ms they are one. */
const ECHO_MS = 2000;

/** The reason of the AbortSignal: which signal it was. */
export class Interrupt extends Error {
  override name = 'Interrupt';
  /** The exit status that shells give: 130 after Ctrl-C. */
  readonly status: number;

  constructor(
    readonly signal: Name,
    more = '',
  ) {
    super(`stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}${more && `: ${more}`}`);
    this.status = 128 + numbers[signal];
  }
}

/** A signal that the first of them aborts; a second one, later, ends the process at once. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const name of Object.keys(numbers) as Name[]) {
    process.on(name, () => {
      const reason = new Interrupt(name);
      if (controller.signal.aborted && Date.now() - first > ECHO_MS) process.exit(reason.status);
      if (!controller.signal.aborted) first = Date.now();
      controller.abort(reason);
    });
  }
  return controller.signal;
}

/** The exit status of what `signal` has stopped. */
export function interruptStatus({ reason }: AbortSignal): number {
  return reason instanceof Interrupt ? reason.status : 1;
}
