/**
 * A closed (`| head -1`, a lost terminal) or full stdout or stderr ends nothing: the computation continues without it.
 */
let stdoutError: NodeJS.ErrnoException | undefined;

/** Why nothing can be written to stdout any more; undefined as long as writing works. */
export const lostOutput = (): NodeJS.ErrnoException | undefined => stdoutError;

/** Call once, before anything is written. */
export function surviveLostOutput(): void {
  process.stdout.on('error', (error) => {
    stdoutError ??= error;
  });
  process.stderr.on('error', () => undefined); // Nobody is left to tell.
}

/** The results of these commands are files: lost output is no failure. */
const IN_FILES = ['train', 'convert', 'quantize', 'prepare', 'show', 'install', 'remove'];

/** Any other command fails if its output got lost, unless the reader has stopped reading, as `head` does. */
export function failOnLostOutput(command: string): void {
  if (IN_FILES.includes(command)) return;
  process.on('exit', () => {
    if (stdoutError === undefined || stdoutError.code === 'EPIPE') return;
    console.error(`error: cannot write to stdout: ${stdoutError.message}`);
    process.exitCode ||= 1;
  });
}
