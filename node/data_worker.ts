/**
 * A worker thread that makes batches: it receives indices and answers with a batch, whose buffers it transfers. Nothing
 * here imports tfjs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type MadeBatch, makeBatch, recipeOf } from '../datasets/batches';
import type { SampleSource, WorkerSpec } from '../datasets/sample';
import type { TransformConfig } from '../datasets/transforms/transform';
import { sourceOf } from './_worker_sources';

/** What a worker starts with. */
export interface WorkerStart {
  spec: WorkerSpec;
  /** Length of the source in the calling thread. */
  length: number;
  seed: number;
  epoch: number;
  transform: TransformConfig | null;
  onBadSample: 'throw' | 'skip';
  /** One shared number: the sample that is being made, in case the worker dies. */
  current: Int32Array;
}

/** The worker's answer. */
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
