/** The Node addon over MPI's C interface (native/mpi), which `spikingformer native install --mpi` builds. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Increased when JavaScript's use of the addon changes; an addon with another number is not used. */
export const MPI_INTERFACE = 1;

/** This process's place in the job. */
export interface World {
  rank: number;
  size: number;
  /** Its rank among the processes on the same machine. */
  localRank: number;
  localSize: number;
  /** The library's name and version, as it reports them. */
  library: string;
}

type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Every rank must call each collective, in the same order, with arrays of the same length. */
export interface MpiAddon {
  interface: number;
  init(): Promise<World>;
  sum(array: Numbers): Promise<void>;
  sumNow(array: Numbers): void;
  broadcast(array: Numbers, root: number): Promise<void>;
  allgather(array: Numbers, output: Numbers): Promise<void>;
  barrier(): Promise<void>;
  finalize(): Promise<void>;
  /** Ends every process of the job, including this one. */
  abort(status: number): never;
}

const requireAddon = createRequire(import.meta.url);

/** The folder of its sources and build. */
export const mpiFolder = () =>
  join(
    dirname(requireAddon.resolve('tfjs-spikingformer/package.json')), //
    'native/mpi',
  );

export const MPI_FILE = 'spikingformer_mpi.node';

/** The addon, or the reason why there is none. */
export function loadMpiAddon(path = join(mpiFolder(), MPI_FILE)): MpiAddon | string {
  if (!existsSync(path))
    return 'it is not built: `npx spikingformer native install --mpi` does that';
  try {
    const addon = requireAddon(path) as MpiAddon;
    if (addon.interface === MPI_INTERFACE) return addon;
    return `${path} is of another version: \`npx spikingformer native install --mpi\` rebuilds it`;
  } catch (error) {
    return `${path} does not load: ${(error as Error).message}`;
  }
}
