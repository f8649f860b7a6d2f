/** A TensorFlow laid out as tfjs-node expects it. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LIBRARIES, type Tensorflow } from './tensorflow';

/** Hard links if both are on one file system, so that clearing the cache breaks nothing; else copies. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await fs.link(from, to).catch(() => fs.copyFile(from, to));
}

/** The same for a folder and everything below it. */
async function linkOrCopyAll(from: string, to: string): Promise<void> {
  await fs.mkdir(to, { recursive: true });
  for (const entry of await fs.readdir(from, { withFileTypes: true })) {
    const each = entry.isDirectory() ? linkOrCopyAll : linkOrCopy;
    await each(join(from, entry.name), join(to, entry.name));
  }
}

/**
 * `deps` in tfjs-node's layout: `include`, and the libraries under tfjs-node's names too. CUDA's are in `deps/nvidia`:
 * TensorFlow's run path contains `$ORIGIN/../nvidia/cudnn/lib` and so on, for what it loads late.
 */
export async function layOutTensorflow(
  { folder, fetched }: Tensorflow,
  deps: string,
): Promise<void> {
  const lib = join(deps, 'lib');
  await fs.mkdir(lib, { recursive: true });
  await fs.symlink(join(folder, 'include'), join(deps, 'include'));
  const aliases = { [LIBRARIES.cc]: 'tensorflow', [LIBRARIES.framework]: 'tensorflow_framework' };
  for (const [file, alias] of Object.entries(aliases)) {
    if (fetched) await linkOrCopy(join(folder, file), join(lib, file));
    else await fs.symlink(join(folder, file), join(lib, file));
    await fs.symlink(file, join(lib, `lib${alias}.so`));
  }
  const cuda = join(dirname(folder), 'nvidia');
  if (fetched && existsSync(cuda)) await linkOrCopyAll(cuda, join(deps, 'nvidia'));
}
