/** Where decoded samples of your own data are kept: in their folder, or in the cache folder if it cannot be written. */
import fs from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hashOf } from '../../files/hash';
import { defaultCacheDir } from '../../files/npm_tarball';

/** Begins with a dot, so that it is no class. */
const NAME = '.spikingformer';

export async function cacheFolder(root: string): Promise<string> {
  const beside = join(resolve(root), NAME);
  try {
    await fs.mkdir(beside, { recursive: true });
    await fs.access(beside, fs.constants.W_OK);
    return beside;
  } catch {
    return join(defaultCacheDir(), 'own', hashOf([resolve(root)]).slice(0, 16));
  }
}
