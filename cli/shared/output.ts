/**
 * A stdout or stderr that is closed (`| head -1`, a terminal that is gone) or full ends nothing: what is
 * computed goes on without it.
 */
let stdoutError: NodeJS.ErrnoException | undefined;

/** Why nothing can be written to stdout any more; undefined as long as it can. */
export const lostOutput = (): NodeJS.ErrnoException | undefined => stdoutError;

/** Call once, before anything is written. */
export function surviveLostOutput(): void {
  process.stdout.on('error', (error) => {
    stdoutError ??= error;
  });
  process.stderr.on('error', () => undefined); // there is no one left to tell
}

/** What these commands do lies in files: that their lines got lost is no failure. */
const IN_FILES = ['train', 'convert', 'prepare', 'show', 'install', 'remove'];

/**
 * Any other has failed if what it printed got lost; a reader that has had enough, as `head`, is no
 * failure.
 */
export function failOnLostOutput(command: string): void {
  if (IN_FILES.includes(command)) return;
  process.on('exit', () => {
    if (stdoutError === undefined || stdoutError.code === 'EPIPE') return;
    console.error(`error: cannot write to stdout: ${stdoutError.message}`);
    process.exitCode ||= 1;
  });
}
