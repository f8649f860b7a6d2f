/** Files of unknown origin: read whole up to a size, and whatever goes wrong is a fault of that sample. */
import fs from 'node:fs/promises';
import { DatasetError } from '../../../datasets/dataset_error';

/** Most bytes of one sample. */
export const MOST_BYTES = 2 ** 29;

/** @throws DatasetError if it cannot be read, is no plain file, or is larger than 512 MiB */
export async function readSampleFile(path: string): Promise<Buffer> {
  try {
    const handle = await fs.open(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error('it is no plain file');
      if (stats.size > MOST_BYTES) {
        throw new Error(`it must have at most ${MOST_BYTES} bytes, but has ${stats.size}`);
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DatasetError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
