/** The Node addon over MPI's C interface (native/mpi), which `spikingformer native install --mpi` builds. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Raised when what JavaScript asks of the addon changes: one of another number is not used. */
export const MPI_INTERFACE = 1;

/** Where this process stands among those of the job. */
export interface World {
  rank: number;
  size: number;
  /** Among those of the same machine. */
  localRank: number;
  localSize: number;
  /** The library's name and version, as it tells them. */
  library: string;
}

type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Each collective is called by every rank, in the same order, with arrays of the same length. */
export interface MpiAddon {
  interface: number;
  init(): Promise<World>;
  sum(array: Numbers): Promise<void>;
  sumNow(array: Numbers): void;
  broadcast(array: Numbers, root: number): Promise<void>;
  allgather(array: Numbers, output: Numbers): Promise<void>;
  barrier(): Promise<void>;
  finalize(): Promise<void>;
  /** Ends every process of the job, this one too. */
  abort(status: number): never;
}

const requireAddon = createRequire(import.meta.url);

/** Where its sources are, and what is built of them. */
export const mpiFolder = () =>
  join(
    dirname(requireAddon.resolve('tfjs-spikingformer/package.json')), //
    'native/mpi',
  );

export const MPI_FILE = 'spikingformer_mpi.node';

/** The addon, or why there is none. */
export function loadMpiAddon(path = join(mpiFolder(), MPI_FILE)): MpiAddon | string {
  if (!existsSync(path))
    return 'it is not built: `npx spikingformer native install --mpi` does that';
  try {
    const addon = requireAddon(path) as MpiAddon;
    if (addon.interface === MPI_INTERFACE) return addon;
    return `${path} is of another version: \`npx spikingformer native install --mpi\` builds it anew`;
  } catch (error) {
    return `${path} does not load: ${(error as Error).message}`;
  }
}
