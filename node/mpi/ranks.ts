/** The processes of an MPI job as the trainer's ranks. */
import type { Ranks } from '../../training/ranks';
import { loadMpiAddon, type MpiAddon, type World } from './addon';

/** Numbers of one call: what is longer goes in parts, each while the one before is on its way. */
const MOST = 2 ** 22;

export class MpiRanks implements Ranks {
  readonly rank: number;
  readonly size: number;
  /** Among the processes of the same machine: which of its GPUs is this one's. */
  readonly localRank: number;
  readonly localSize: number;
  /** The MPI library's name and version. */
  readonly library: string;

  private constructor(
    private readonly mpi: MpiAddon,
    world: World,
  ) {
    this.rank = world.rank;
    this.size = world.size;
    this.localRank = world.localRank;
    this.localSize = world.localSize;
    this.library = world.library.split(/[,\n]/, 1)[0]!.trim();
  }

  /** Joins the job: called once in a process. @throws if the addon is not built, or MPI does not start */
  static async join(addon: MpiAddon | string = loadMpiAddon()): Promise<MpiRanks> {
    if (typeof addon === 'string')
      throw new Error(`training on several machines needs MPI: ${addon}`);
    return new MpiRanks(addon, await addon.init());
  }

  async sum(array: Float32Array | Float64Array): Promise<void> {
    const parts: Promise<void>[] = [];
    for (let at = 0; at < array.length; at += MOST) {
      parts.push(this.mpi.sum(array.subarray(at, at + MOST)));
    }
    await Promise.all(parts);
  }

  sumNow(array: Float32Array | Float64Array): void {
    this.mpi.sumNow(array);
  }

  async gather<T>(value: T): Promise<T[]> {
    const text = new TextEncoder().encode(JSON.stringify(value) ?? 'null');
    const lengths = new Int32Array(this.size);
    await this.mpi.allgather(Int32Array.of(text.length), lengths);
    const longest = Math.max(...lengths);
    const own = new Uint8Array(longest);
    own.set(text);
    const all = new Uint8Array(longest * this.size);
    await this.mpi.allgather(own, all);
    return Array.from(lengths, (length, i) =>
      JSON.parse(new TextDecoder().decode(all.subarray(i * longest, i * longest + length))),
    );
  }

  async broadcast(array: Float32Array | Uint8Array): Promise<void> {
    const parts: Promise<void>[] = [];
    for (let at = 0; at < array.length; at += MOST) {
      parts.push(this.mpi.broadcast(array.subarray(at, at + MOST), 0));
    }
    await Promise.all(parts);
  }

  barrier(): Promise<void> {
    return this.mpi.barrier();
  }

  /** Leaves the job, which ends in order when every rank has. Nothing can be sent after it. */
  leave(): Promise<void> {
    return this.mpi.finalize();
  }

  /** Ends the whole job at once, this process too: what a rank does that cannot go on. */
  abort(status = 1): never {
    return this.mpi.abort(status);
  }
}
