/**
 * Training by several processes that hold the same weights: each computes the gradients of its batches, and all apply
 * the mean. With one process nothing is sent, and every number stays the same.
 */
import * as tf from '@tensorflow/tfjs';
import { type Evaluation, mergeEvaluations } from './evaluation';
import type { Ranks } from './ranks';
import type { EvaluationData, TrainingBatch, TrainingData } from './training_data';
import type { WeightAverage } from './weight_average';

/** Numbers per message: 4 MB. The next ones are read while the previous are on their way. */
const BUCKET = 2 ** 20;

export class DataParallel {
  readonly rank: number;
  readonly size: number;

  constructor(private readonly ranks?: Ranks) {
    this.rank = ranks?.rank ?? 0;
    this.size = ranks?.size ?? 1;
  }

  /** Whether this process reports and saves for all. */
  get isFirst(): boolean {
    return this.rank === 0;
  }

  /**
   * The batches of an epoch, from index `start` on, that this process learns from. `start` is a multiple of the number
   * of processes. Batches are dealt out one by one, so that the same batches make one step whatever that number. No
   * batch goes to two processes; an incomplete last round is left out, as with drop_last in PyTorch's
   * DistributedSampler.
   */
  share(data: TrainingData, epoch: number, start: number): AsyncIterable<TrainingBatch> {
    const { rank, size } = this;
    if (size === 1) return data.batches(epoch, start);
    if (data.dealt) return data.dealt(epoch, start + rank, size);
    return everyNth(data.batches(epoch, start), rank, size);
  }

  /**
   * The mean over all processes of their mean gradients. It takes ownership of the tensors; the caller owns the result.
   */
  async meanGradients(gradients: tf.NamedTensorMap): Promise<tf.NamedTensorMap> {
    if (!this.ranks) return gradients;
    const names = Object.keys(gradients); // In the order of the variables, on every process.
    const means = await this.mean(names.map((name) => gradients[name]!));
    tf.dispose(gradients);
    return Object.fromEntries(names.map((name, i) => [name, means[i]!]));
  }

  /**
   * Replaces running statistics by their mean over all processes, as timm's `--dist-bn reduce` does, and those in the
   * weight average too.
   */
  async meanStatistics(model: tf.LayersModel, average?: WeightAverage): Promise<void> {
    if (!this.ranks) return;
    const own = model.nonTrainableWeights.filter(({ dtype }) => dtype === 'float32');
    const averages = own.map(({ originalName }) => average?.state.get(originalName));
    const variables = [
      ...own.map((weight) => weight.read() as tf.Variable),
      ...averages.filter((state) => state !== undefined).map((state) => state as tf.Variable),
    ];
    const means = await this.mean(variables);
    for (const [i, variable] of variables.entries()) variable.assign(means[i]!);
    tf.dispose(means);
  }

  /** The sum of each number over all processes. */
  async total(numbers: readonly number[]): Promise<number[]> {
    const sums = Float64Array.from(numbers);
    await this.ranks?.sum(sums);
    return Array.from(sums);
  }

  /** Runs `measure` on this process's share of the samples, and merges the results of all processes. */
  async evaluate(
    data: EvaluationData,
    measure: (share: EvaluationData) => Promise<Evaluation>,
  ): Promise<Evaluation> {
    const { ranks, rank, size } = this;
    if (!ranks) return measure(data);
    const { classNames, length } = data;
    const batches = () => data.dealt?.(rank, size) ?? everyNth(data.batches(), rank, size);
    // With few samples, this process may get none.
    const some = (await batches()[Symbol.asyncIterator]().next()).done !== true;
    const found = some ? await measure({ classNames, length, batches }) : null;
    return mergeEvaluations((await ranks.gather(found)).filter((part) => part !== null));
  }

  /** Resolves when every process has called it. */
  async wait(): Promise<void> {
    await this.ranks?.barrier();
  }

  /** The means of tensors with the same shapes on every process, as new tensors. */
  private async mean(tensors: readonly tf.Tensor[]): Promise<tf.Tensor[]> {
    const means: tf.Tensor[] = [];
    const sent: Promise<void>[] = [];
    const buckets: { tensors: tf.Tensor[]; numbers: Float32Array }[] = [];
    for (let at = 0; at < tensors.length; ) {
      const bucket: tf.Tensor[] = [];
      let length = 0;
      while (at < tensors.length && (length === 0 || length + tensors[at]!.size <= BUCKET)) {
        length += tensors[at]!.size;
        bucket.push(tensors[at++]!);
      }
      const numbers = new Float32Array(length);
      let offset = 0;
      for (const tensor of bucket) {
        numbers.set((await tensor.data()) as Float32Array, offset);
        offset += tensor.size;
      }
      sent.push(this.ranks!.sum(numbers));
      buckets.push({ tensors: bucket, numbers });
    }
    await Promise.all(sent);
    for (const { tensors: bucket, numbers } of buckets) {
      let offset = 0;
      for (const { shape, size } of bucket) {
        const sum = numbers.subarray(offset, offset + size);
        means.push(tf.tidy(() => tf.tensor(sum, shape, 'float32').div(this.size)));
        offset += size;
      }
    }
    return means;
  }
}

async function* everyNth<T>(items: AsyncIterable<T>, first: number, every: number) {
  let i = 0;
  for await (const item of items) if (i++ % every === first) yield item;
}
