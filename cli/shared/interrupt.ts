/** Ctrl-C, SIGTERM and SIGHUP as an AbortSignal: the command ends in order, and prints how to continue. */

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Name = keyof typeof numbers;

/** npm and tsx pass signals on, and systemd sends two: within this many ms they count as one. */
const ECHO_MS = 2000;

/** The reason of the AbortSignal: the signal's name. */
export class Interrupt extends Error {
  override name = 'Interrupt';
  /** The exit status by shell convention: 130 after Ctrl-C. */
  readonly status: number;

  constructor(
    readonly signal: Name,
    more = '',
  ) {
    super(`stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}${more && `: ${more}`}`);
    this.status = 128 + numbers[signal];
  }
}

/** An AbortSignal that the first signal aborts; a later second one ends the process at once. */
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

/** The exit status of a command that `signal` has stopped. */
export function interruptStatus({ reason }: AbortSignal): number {
  return reason instanceof Interrupt ? reason.status : 1;
}
