/**
 * The bench in a copy of the project that has tfjs-node and the native ops, which are not among its
 * dependencies: scripts/with_tensorflow.sh makes it, and its results land in this one.
 */
import { spawn } from 'node:child_process';
import { hasTfjsNode } from './_lineup';

/** The script's status where the copy could not be made; nothing has been run then. */
const NO_COPY = 70;

/** Runs `npm run bench -- NAME ARGS` there. False: here is where it must run, told why. */
export async function ranInCopy(name: string, args: readonly string[]): Promise<boolean> {
  if (hasTfjsNode() || process.env.SPIKINGFORMER_COPY) return false;
  console.log('tfjs-node is not installed here: making a copy of the project that has it');
  const script = ['scripts/with_tensorflow.sh', 'npm', 'run', '--silent', 'bench', '--'];
  const child = spawn('bash', [...script, name, ...args], { stdio: 'inherit' });
  const status = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(NO_COPY));
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (status === NO_COPY) {
    console.log('without tensorflow: see above what its copy of the project lacks');
    return false;
  }
  process.exitCode = status;
  return true;
}
