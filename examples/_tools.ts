/** What the quickstart has from the command, and how it runs a script in a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surviveLostOutput } from '../cli/shared/output';

export { useBackend } from '../cli/shared/choose_backend';
export { abortOnInterrupt, interruptStatus } from '../cli/shared/interrupt';
export { textObserver } from '../cli/shared/training_progress';
export { parseOptions } from './_options';

/** The number that a script beside this file prints last. */
export async function inFreshProcess(
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [...process.execArgv, path, ...args]; // execArgv: tsx again
  const { stdout } = await promisify(execFile)(process.execPath, command, { signal });
  return Number(stdout.trim().split('\n').at(-1));
}

surviveLostOutput();

/** An error is one line, not a stack. */
process.on('uncaughtException', (error) => {
  console.error(`error: ${error.message}`);
  process.exit(1);
});
