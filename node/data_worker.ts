/**
 * A worker thread that makes batches: it is sent indices and answers with a batch, whose buffers
 * become the other thread's. Nothing here imports tfjs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type MadeBatch, makeBatch, recipeOf } from '../datasets/batches';
import type { SampleSource, WorkerSpec } from '../datasets/sample';
import type { TransformConfig } from '../datasets/transforms/transform';
import { sourceOf } from './_worker_sources';

/** What a worker is started with. */
export interface WorkerStart {
  spec: WorkerSpec;
  /** Of the source in the thread that asks. */
  length: number;
  seed: number;
  epoch: number;
  transform: TransformConfig | null;
  onBadSample: 'throw' | 'skip';
  /** One number, shared: the sample that is being made, for whoever finds the worker dead. */
  current: Int32Array;
}

/** What it answers. */
export type WorkerAnswer = { made: MadeBatch } | { name: string; message: string; stack?: string };

const start = workerData as WorkerStart;
const { seed, epoch, transform, onBadSample } = start;
const recipe = recipeOf({
  batchSize: 1,
  seed,
  epoch,
  onBadSample,
  transform: transform ?? undefined,
});
let source: Promise<SampleSource> | undefined;

async function answer(indices: Int32Array): Promise<WorkerAnswer> {
  try {
    source ??= open();
    const made = await makeBatch(await source, indices, recipe, (index) => {
      Atomics.store(start.current, 0, index);
    });
    return { made };
  } catch (error) {
    const { name = 'Error', message = String(error), stack } = error as Partial<Error>;
    return { name, message, stack };
  }
}

async function open(): Promise<SampleSource> {
  const { spec, length } = start;
  const made = await sourceOf(spec);
  if (made.length !== length) {
    throw new Error(
      `${made.name} must have ${length} samples in every thread, but has ${made.length} in a worker`,
    );
  }
  return made;
}

parentPort?.on('message', async (indices: Int32Array) => {
  const reply = await answer(indices);
  const buffers = 'made' in reply ? Object.values(reply.made.batch).flatMap(bufferOf) : [];
  parentPort?.postMessage(reply, buffers);
});

const bufferOf = (value: unknown) =>
  ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : [];
