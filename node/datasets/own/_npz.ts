/** NumPy's .npz files: a zip of .npy files, unpacked in memory up to a size. */
import { fromBufferPromise } from 'yauzl';
import { DatasetError } from '../../../datasets/dataset_error';
import { type NpyFile, readNpy } from '../../../datasets/npy';
import { MOST_BYTES } from './read_file';

/** Most arrays of a file. */
const MOST_ENTRIES = 64;

/** The arrays by name, `.npy` left out. @throws DatasetError if it is damaged, or would take more than 512 MiB */
export async function readNpz(bytes: Buffer): Promise<Record<string, NpyFile>> {
  const found: [string, NpyFile][] = [];
  let left = MOST_BYTES;
  try {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true });
    for await (const entry of zip.eachEntry()) {
      const { fileName, uncompressedSize } = entry;
      left -= uncompressedSize;
      if (left < 0) throw new Error(`its arrays must take at most ${MOST_BYTES} bytes together`);
      if (found.length === MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} arrays`);
      if (!fileName.endsWith('.npy')) continue;
      const chunks: Buffer[] = [];
      // What unpacks to another size than the archive states is an error of yauzl's.
      for await (const chunk of await zip.openReadStreamPromise(entry))
        chunks.push(chunk as Buffer);
      found.push([fileName.slice(0, -4), readNpy(Buffer.concat(chunks))]);
    }
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw new DatasetError(`a .npz file must be a whole zip: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return Object.fromEntries(found);
}
