/** The error of every reader and writer of weights, and of a run's checkpoints on disk. */

/**
 * A file of weights that violates its format or holds something unsupported; or a checkpoint that is damaged or belongs
 * to another run. `interop` and the entry for Node export the same class.
 */
export class CheckpointError extends Error {
  override name = 'CheckpointError';

  /** @param offset the position in the file in bytes, if known */
  constructor(
    message: string,
    readonly offset?: number,
  ) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
  }
}
