/**
 * The Python environment of the bench's peers, in the user's cache: made once from
 * bench/pytorch/requirements.txt through the user's own pip, so that their index settings hold.
 */
import { existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOf } from '../node/files/hash';
import { defaultCacheDir } from '../node/files/npm_tarball';
import { minutes, runShown } from '../node/native/process';
import { pythons, reasonOf, runPython } from '../node/native/python';

export const pytorchFolder = fileURLToPath(new URL('./pytorch', import.meta.url));

/** The constructor of the networks in bench/pytorch. */
export interface PeerConfig {
  channels: number;
  depth: number;
  heads: number;
  classes: number;
  time_steps: number;
}

/** Python must be at least this, for the versions in requirements.txt. */
const MINIMUM = [3, 11];

/** Time to make an environment and to import torch; and to download 0.6 GB, on a slow line. */
const MAKE_LIMIT = minutes(10);
const INSTALL_LIMIT = minutes(180);

/** The first Python that is new enough, with its version in full; or why none is. */
function findPython(limit?: number): { python: string; version: string } | string {
  const code = `import sys, venv; print('is %s %s' % (sys.version_info >= (${MINIMUM}), sys.version))`;
  const reasons: string[] = [];
  for (const python of pythons()) {
    const ran = runPython(python, ['-c', code], { limit });
    const version = /^is True (.*)/ms.exec(ran.stdout)?.[1];
    if (ran.status === 0 && version) return { python, version };
    const old = /^is False (\S+)/m.exec(ran.stdout)?.[1];
    reasons.push(`${python}${old ? ` is ${old}` : ` does not run: ${reasonOf(ran)}`}`);
  }
  const wanted = `there is no Python ${MINIMUM.join('.')} or later with venv`;
  return reasons.length > 0 ? `${wanted}: ${reasons.join('; ')}` : wanted;
}

/**
 * Makes a folder of the cache, once, whole or not at all: its path, or why it cannot be made. `make` gets a folder of
 * another name, which of a try that was broken off is empty again.
 */
async function madeOnce(
  home: string,
  log: (line: string) => void,
  what: string,
  make: (partial: string) => Promise<void>,
): Promise<{ home: string } | string> {
  if (existsSync(home)) return { home };
  log(`making ${home} ${what}`);
  const partial = `${home}.partial`;
  try {
    await fs.rm(partial, { recursive: true, force: true });
    await fs.mkdir(dirname(home), { recursive: true });
    await make(partial);
    await fs.rename(partial, home);
  } catch (error) {
    await fs.rm(partial, { recursive: true, force: true });
    return (error as Error).message;
  }
  return { home };
}

const PIP = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps'];
const digestOf = (parts: Parameters<typeof hashOf>[0]) => hashOf(parts).slice(0, 12);

/** Python's path; or why there is none. */
export async function pytorchPython(
  log: (line: string) => void,
  cacheDir = defaultCacheDir(),
  limit?: number,
): Promise<{ python: string } | string> {
  const found = findPython(limit);
  if (typeof found === 'string') return found;
  const { python, version } = found;
  const requirements = join(pytorchFolder, 'requirements.txt');
  const recipe = [requirements, join(pytorchFolder, 'without_cuda.py')];
  const digest = digestOf([version, ...recipe.map((file) => readFileSync(file))]);
  const home = join(cacheDir, `bench-python-${digest}`);
  const what = 'from bench/pytorch/requirements.txt (0.6 GB, once)';
  const made = await madeOnce(home, log, what, async (partial) => {
    const inside = join(partial, 'bin', 'python');
    await runShown(python, ['-m', 'venv', partial], 'python -m venv', MAKE_LIMIT);
    await runShown(inside, [...PIP, '-r', requirements], 'pip install', INSTALL_LIMIT);
    await runShown(inside, [join(pytorchFolder, 'without_cuda.py')], 'without_cuda.py', MAKE_LIMIT);
    await runShown(inside, ['-c', 'import torch'], 'import torch', MAKE_LIMIT);
  });
  return typeof made === 'string' ? made : { python: join(home, 'bin', 'python') };
}

/** The folder with SpikingJelly 2, for the PYTHONPATH of that Python; or why there is none. */
export async function spikingJelly2(
  python: string,
  log: (line: string) => void,
  cacheDir = defaultCacheDir(),
): Promise<{ home: string } | string> {
  const requirements = join(pytorchFolder, 'spikingjelly_2.txt');
  const home = join(cacheDir, `bench-spikingjelly-2-${digestOf([readFileSync(requirements)])}`);
  return await madeOnce(home, log, 'from bench/pytorch/spikingjelly_2.txt (once)', (partial) =>
    runShown(python, [...PIP, '--target', partial, '-r', requirements], 'pip install', MAKE_LIMIT),
  );
}
