/** The processes of an MPI job as the trainer's ranks. */
import type { Ranks } from '../../training/ranks';
import { loadMpiAddon, type MpiAddon, type World } from './addon';

/** The most numbers per call: longer arrays go in parts, each sent while the previous is on its way. */
const MOST = 2 ** 22;

export class MpiRanks implements Ranks {
  readonly rank: number;
  readonly size: number;
  /** Rank among the processes on the same machine, which selects its GPU. */
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

  /**
   * Joins the job; call it once per process.
   *
   * @throws if the addon is not built, or if MPI does not start
   */
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

  /** Leaves the job, which ends normally when every rank has left. Nothing can be sent afterwards. */
  leave(): Promise<void> {
    return this.mpi.finalize();
  }

  /** Ends the whole job at once, including this process, when a rank cannot continue. */
  abort(status = 1): never {
    return this.mpi.abort(status);
  }
}
