/** The one error of every reader and writer of weights, and of a run's checkpoints on disk. */

/**
 * A file of weights that does not follow its format, or holds what no reader here builds; a checkpoint
 * that is damaged, or of another run. `interop` and the entry for Node export the same class.
 */
export class CheckpointError extends Error {
  override name = 'CheckpointError';

  /** @param offset where in the file it was found, in bytes, where that can be said */
  constructor(
    message: string,
    readonly offset?: number,
  ) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
  }
}
