/** A teacher whose outputs are kept on disk: for the same images it does not run again. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Teacher, TeacherBatch, TeacherOutputs } from '../../training/teacher';
import { openFolder, readShard, type Shard, shardsOf, writeShard } from './_teacher_shards';

/** Samples per shard. */
const SHARD_SAMPLES = 1024;
/** The most shards in memory: 256 MiB with 1,000 classes. */
const SHARDS_IN_MEMORY = 64;

/** Options of `keptTeacher`. */
export interface KeptTeacherOptions {
  /** Made if missing. Several runs may share it, even at the same time. */
  folder: string;
  /** What the outputs depend on: the teacher's hash, data set, augmentation and its seed. */
  identity: Record<string, unknown>;
  /** Whether a sample's image differs between epochs. Default true. False if nothing is augmented. */
  perEpoch?: boolean;
  /** Called with a message for each damaged file, which is removed: its outputs are recomputed. */
  onDamaged?: (message: string) => void;
}

/** One sample's outputs. */
interface Row {
  logits: Float32Array;
  features?: Float32Array;
}

/**
 * Keeps outputs by epoch and by the sample's index in the data set. It asks the teacher, batch by batch, for missing
 * ones, and writes them after every 1,024 samples, before each checkpoint and at the end of the run.
 *
 * ```ts
 * const kept = await keptTeacher(modelTeacher(model), { folder: 'runs/teacher_outputs', identity: { sha256, seed: 42 } });
 * ```
 *
 * @throws if the folder's outputs have another identity; a table shows the differences
 */
export async function keptTeacher(teacher: Teacher, options: KeptTeacherOptions): Promise<Teacher> {
  const { folder, identity, perEpoch = true } = options;
  await openFolder(folder, { perEpoch, ...identity });
  return new KeptTeacher(teacher, options);
}

class KeptTeacher implements Teacher {
  readonly channels?: number;
  private epoch = -1;
  /** Where the rows of this epoch are. */
  private places = new Map<number, { shard: string; row: number }>();
  /** Rows not yet written. */
  private pending = new Map<number, Row>();
  /** Shards in memory, the least recently used first. */
  private readonly loaded = new Map<string, Shard>();

  constructor(
    private readonly teacher: Teacher,
    private readonly options: KeptTeacherOptions,
  ) {
    if (teacher.channels !== undefined) this.channels = teacher.channels;
  }

  async outputs(x: tf.Tensor, batch: TeacherBatch): Promise<TeacherOutputs> {
    const { at, indices } = batch;
    if (!indices || indices.length !== x.shape[0]) {
      throw new Error('keptTeacher needs the sample indices of each batch, but got none');
    }
    await this.turnTo(this.options.perEpoch === false ? 0 : at.epoch);
    const isKnown = (index: number) => this.pending.has(index) || this.places.has(index);
    if (!indices.every(isKnown)) {
      const made = await this.ask(x, batch);
      made.forEach((row, i) => {
        if (!isKnown(indices[i]!)) this.pending.set(indices[i]!, row);
      });
    }
    const rows: Row[] = [];
    for (const index of indices) rows.push(this.pending.get(index) ?? (await this.read(index)));
    if (this.pending.size >= SHARD_SAMPLES) await this.flush();
    const logits = tensorOf(rows.map((row) => row.logits));
    return rows[0]!.features
      ? { logits, features: tensorOf(rows.map((row) => row.features!)) }
      : { logits };
  }

  /** Writes everything that is not yet on disk. */
  async flush(): Promise<void> {
    if (this.pending.size === 0) return;
    const rows = [...this.pending.values()];
    const indices = Int32Array.from(this.pending.keys());
    const { features } = rows[0]!;
    const shard: Shard = {
      indices,
      logits: tableOf(rows.map((row) => row.logits)),
      ...(features && { features: tableOf(rows.map((row) => row.features!)) }),
    };
    const name = await writeShard(this.options.folder, this.epoch, shard);
    this.take(name, shard);
    this.pending.clear();
  }

  /** Makes an epoch the current one, and finds its outputs on disk. */
  private async turnTo(epoch: number): Promise<void> {
    if (epoch === this.epoch) return;
    await this.flush();
    this.epoch = epoch;
    this.places.clear();
    this.loaded.clear();
    const { folder, onDamaged } = this.options;
    for (const name of await shardsOf(folder, epoch)) {
      try {
        this.take(name, await readShard(folder, name));
      } catch (error) {
        onDamaged?.((error as Error).message);
        await fs.rm(join(folder, name), { force: true });
      }
    }
  }

  private take(name: string, shard: Shard): void {
    shard.indices.forEach((index, row) => {
      this.places.set(index, { shard: name, row });
    });
    this.hold(name, shard);
  }

  private hold(name: string, shard: Shard): void {
    this.loaded.delete(name);
    this.loaded.set(name, shard);
    if (this.loaded.size > SHARDS_IN_MEMORY) this.loaded.delete(this.loaded.keys().next().value!);
  }

  private async read(index: number): Promise<Row> {
    const { shard: name, row } = this.places.get(index)!;
    const shard = this.loaded.get(name) ?? (await readShard(this.options.folder, name));
    this.hold(name, shard);
    const rowOf = ({ width, data }: Shard['logits']) =>
      data.subarray(row * width, (row + 1) * width);
    return {
      logits: rowOf(shard.logits),
      ...(shard.features && { features: rowOf(shard.features) }),
    };
  }

  /** The teacher's own outputs, a row per sample. */
  private async ask(x: tf.Tensor, batch: TeacherBatch): Promise<Row[]> {
    const { logits, features } = await this.teacher.outputs(x, batch);
    try {
      const tables = [await rowsOf(logits), features && (await rowsOf(features))] as const;
      return tables[0].map((row, i) => ({
        logits: row,
        ...(tables[1] && { features: tables[1][i]! }),
      }));
    } finally {
      tf.dispose(features ? [logits, features] : logits);
    }
  }
}

async function rowsOf(x: tf.Tensor): Promise<Float32Array[]> {
  const [count, width] = x.shape as [number, number];
  const data = await x.data();
  return Array.from({ length: count }, (_, i) =>
    Float32Array.from(data.subarray(i * width, (i + 1) * width)),
  );
}

function tableOf(rows: readonly Float32Array[]): Shard['logits'] {
  const width = rows[0]!.length;
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    data.set(row, i * width);
  });
  return { width, data };
}

function tensorOf(rows: readonly Float32Array[]): tf.Tensor {
  const { width, data } = tableOf(rows);
  return tf.tensor(data, [rows.length, width]);
}
