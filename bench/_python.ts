/**
 * The Python environment of the bench's peers, in the user's cache: made once from
 * bench/pytorch/requirements.txt through the user's own pip, so that their index settings hold.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runShown } from '../node/native_process';
import { pythons } from '../node/native_tensorflow';
import { defaultCacheDir } from '../node/npm_tarball';

export const pytorchFolder = fileURLToPath(new URL('./pytorch', import.meta.url));

/** The constructor of Spikingformer in bench/pytorch/spikingformer.py. */
export interface PeerConfig {
  channels: number;
  depth: number;
  heads: number;
  classes: number;
  time_steps: number;
}

/** Python must be at least this, for the versions in requirements.txt. */
const MINIMUM = [3, 11];

function findPython(): string | undefined {
  const condition = `import sys, venv; sys.exit(sys.version_info < (${MINIMUM}))`;
  return pythons().find((python) => run(python, ['-c', condition]).status === 0);
}

/** Python's path; or why there is none. What is there under its name is whole. */
export async function pytorchPython(
  log: (line: string) => void,
  cacheDir = defaultCacheDir(),
): Promise<{ python: string } | string> {
  const python = findPython();
  if (!python) return `there is no Python ${MINIMUM.join('.')} or later with venv`;
  const requirements = join(pytorchFolder, 'requirements.txt');
  const recipe = [requirements, join(pytorchFolder, 'without_cuda.py')];
  const hash = createHash('sha256').update(run(python, ['-VV']).stdout);
  for (const file of recipe) hash.update(readFileSync(file));
  const home = join(cacheDir, `bench-python-${hash.digest('hex').slice(0, 12)}`);
  const made = { python: join(home, 'bin', 'python') };
  if (existsSync(home)) return made;

  log(`making ${home} from bench/pytorch/requirements.txt (0.6 GB, once)`);
  const partial = `${home}.partial`; // of a try that was broken off, it is made anew
  const inside = join(partial, 'bin', 'python');
  try {
    await fs.rm(partial, { recursive: true, force: true });
    await fs.mkdir(cacheDir, { recursive: true });
    await runShown(python, ['-m', 'venv', partial], 'python -m venv');
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps'];
    await runShown(inside, [...pip, '-r', requirements], 'pip install');
    await runShown(inside, [join(pytorchFolder, 'without_cuda.py')], 'without_cuda.py');
    await runShown(inside, ['-c', 'import torch'], 'import torch');
    await fs.rename(partial, home);
  } catch (error) {
    await fs.rm(partial, { recursive: true, force: true });
    return (error as Error).message;
  }
  return made;
}
