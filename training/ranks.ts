/**
 * The processes that train one model together, as a trainer sees them. Each computes the gradients of its batches; only
 * their sums connect them. node/mpi implements this with MPI.
 */
export interface Ranks {
  /** This process, from 0. */
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  /** Replaces an array by its sum over all ranks, on every rank. Rejects if lengths differ or a rank is gone. */
  sum(array: Float32Array | Float64Array): Promise<void>;
  /** The same, synchronously, for what the next operation needs. */
  sumNow(array: Float32Array | Float64Array): void;
  /** Every rank's value, which must be valid JSON, ordered by rank, on every rank. */
  gather<T>(value: T): Promise<T[]>;
  /** Fills the array with rank 0's. */
  broadcast(array: Float32Array | Uint8Array): Promise<void>;
  /** Resolves when every rank has called it. */
  barrier(): Promise<void>;
}
