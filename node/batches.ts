/** Batches of an epoch made in worker threads, in order and ahead of their consumer. */
import * as here from '../datasets/batches';
import type { SampleSource } from '../datasets/sample';
import { createTransform } from '../datasets/transforms/create_transform';
import { checkPositiveInteger, invalid } from '../lib/validate';
import { DataWorkers } from './_data_workers';

/** Options of `batches` in Node. */
export interface WorkerBatchOptions extends here.BatchOptions {
  /** Number of threads that read and transform. Default 0: this thread does it. */
  workers?: number;
  /** Number of batches prepared ahead. Default 2. */
  prefetch?: number;
}

/**
 * As `batches` of tfjs-spikingformer/datasets, and the same bytes for any number of workers. It holds at most `workers
 * + prefetch` batches. Leaving the loop ends the threads.
 *
 * ```ts
 * const train = await cifar10({split: 'train'});
 * for await (const {data, shape, labels} of batches(train, {batchSize: 64, shuffle: true, workers: 2}))
 *   step(data, shape, labels);
 * ```
 *
 * @throws if the source or the transform cannot move to another thread, or if a thread dies; the error names the sample
 */
export function batches(source: SampleSource, options: WorkerBatchOptions): here.Batches {
  const { workers = 0, prefetch = 2, ...plain } = options;
  if (workers === 0) {
    checkPositiveInteger('prefetch', prefetch);
    return here.batches(source, plain);
  }
  checkPositiveInteger('workers', workers);
  if (workers > 256) throw invalid('workers', 'at most 256', workers);
  checkPositiveInteger('prefetch', prefetch);
  const plan = here.planEpoch(source, plain);
  const { seed = 0, epoch = 0, onBadSample = 'throw', transform } = plain;
  const config = typeof transform === 'function' ? transform.config : transform;
  if (transform !== undefined && config === undefined) {
    throw invalid(
      'transform',
      'made by a builder or be a configuration, since there are workers',
      transform,
    );
  }
  if (config) createTransform(config); // Wrong options fail here, not in every thread.
  const { name, split, length } = source;
  return here.iterable(plan.length, async function* (skipped) {
    if (plan.length === 0) return;
    const { workerSpec: spec } = source;
    if (spec === undefined) {
      throw new Error(`${name} (${split}) has no workerSpec, so workers must be 0`);
    }
    const start = { spec, length, seed, epoch, transform: config ?? null, onBadSample };
    const pool = new DataWorkers(Math.min(workers, plan.length), start, { name, split });
    try {
      const ahead: Promise<here.MadeBatch>[] = [];
      for (let next = 0; next < plan.length || ahead.length > 0; ) {
        while (next < plan.length && ahead.length < workers + prefetch) {
          ahead.push(pool.make(plan[next++]));
        }
        const made = await pool.awaited(ahead.shift() as Promise<here.MadeBatch>);
        skipped.push(...made.skipped);
        yield made.batch;
      }
    } finally {
      await pool.close();
    }
  });
}
