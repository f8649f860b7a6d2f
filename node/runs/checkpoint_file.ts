/** Weights in files on disk, of any size: PyTorch checkpoints, safetensors, and either format in several files. */
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as interop from '../../interop/index';
import { errorCode, fileError } from '../files/files';

/** An open file of weights; its tensors are read one by one, until it is closed. */
export interface CheckpointOnDisk extends interop.OpenedCheckpoint {
  /** Length in bytes of all files together. */
  bytes: number;
  /** The files, with an index first. */
  paths: string[];
  /** Closes all files. Tensors that were read stay valid. */
  close(): Promise<void>;
}

/**
 * Opens a file of weights, or the index of one in several files (model.safetensors.index.json). Close it after reading
 * its tensors.
 *
 * ```ts
 * const file = await openCheckpointFile('checkpoint-299.pth.tar');
 * const stateDict = await interop.readStateDict(file.stateDict);
 * await file.close();
 * ```
 *
 * Rejects with a CheckpointError if the content is neither a PyTorch checkpoint nor safetensors.
 */
export async function openCheckpointFile(
  path: string,
  options: interop.TorchReadOptions = {},
): Promise<CheckpointOnDisk> {
  const handles: fs.FileHandle[] = [];
  const paths: string[] = [];
  let bytes = 0;
  const open = async (path: string) => {
    const handle = await fs.open(path, 'r').catch((error) => {
      if (errorCode(error) === 'ENOENT') throw new Error(`file ${path} does not exist`);
      throw fileError(`cannot open ${path}`, error);
    });
    handles.push(handle);
    paths.push(path);
    bytes += (await handle.stat()).size;
    return handle;
  };
  const close = async () => {
    for (const handle of handles) await handle.close();
  };
  try {
    const handle = await open(path);
    const opened = path.endsWith('.index.json')
      ? await interop.openShardedCheckpoint(
          handle,
          (name) => open(join(dirname(path), name)),
          options,
        )
      : await interop.openCheckpoint(handle, options);
    return { ...opened, bytes, paths, close };
  } catch (error) {
    await close();
    throw error;
  }
}
