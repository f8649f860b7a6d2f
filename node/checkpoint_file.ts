/** Weights in files on disk, of any size: PyTorch checkpoints and safetensors, told apart by their content. */
import fs from 'node:fs/promises';
import * as interop from '../interop/index';
import { beginsAsTorch } from '../interop/torch_file/open';
import { errorCode, fileError } from './_files';

/** An open file of weights; its tensors are read one by one, until it is closed. */
export interface CheckpointOnDisk extends interop.OpenedTorchCheckpoint {
  format: 'torch' | 'safetensors';
  /** Length in bytes. */
  bytes: number;
  close(): Promise<void>;
}

/**
 * Opens a file of weights. Close it when its tensors have been read.
 *
 * ```ts
 * const file = await openCheckpointFile('checkpoint-299.pth.tar');
 * const stateDict = await interop.readStateDict(file.stateDict);
 * await file.close();
 * ```
 *
 * Rejects with a CheckpointError where the content is neither a PyTorch checkpoint nor safetensors.
 */
export async function openCheckpointFile(
  path: string,
  options: interop.TorchReadOptions = {},
): Promise<CheckpointOnDisk> {
  const handle = await fs.open(path, 'r').catch((error) => {
    if (errorCode(error) === 'ENOENT') throw new Error(`there is no file ${path}`);
    throw fileError(`cannot open ${path}`, error);
  });
  try {
    const { size } = await handle.stat();
    const start = new Uint8Array(Math.min(16, size));
    await handle.read(start, 0, start.length, 0);
    const close = () => handle.close();
    // A safetensors file has its header's length in 8 bytes, and then the header's brace.
    if (start[8] === 0x7b && !beginsAsTorch(start)) {
      const { stateDict } = await interop.openSafetensors(handle);
      return { format: 'safetensors', bytes: size, stateDict, meta: Object.create(null), close };
    }
    const opened = await interop.openTorchCheckpoint(handle, options);
    return { format: 'torch', bytes: size, ...opened, close };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
