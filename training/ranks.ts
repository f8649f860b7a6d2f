/**
 * The processes that train one model together, as a trainer sees them. Each computes the gradients of its own
 * batches; their sums, and nothing else, make them one. node/mpi has those of MPI.
 */
export interface Ranks {
  /** This process, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Adds up an array over all ranks, in place, on every one. Rejects if ranks differ in length or are gone. */
  sum(array: Float32Array | Float64Array): Promise<void>;
  /** The same, and the caller waits: for what the next operation needs. */
  sumNow(array: Float32Array | Float64Array): void;
  /** Every rank's value, which JSON can say, by rank, on every one. */
  gather<T>(value: T): Promise<T[]>;
  /** Fills the array with that of rank 0. */
  broadcast(array: Float32Array | Uint8Array): Promise<void>;
  /** Resolves when every rank has come here. */
  barrier(): Promise<void>;
}
