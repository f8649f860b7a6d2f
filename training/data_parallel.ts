/**
 * Training by several processes that hold the same weights: each learns from its own batches, and their mean
 * gradient moves all of them alike. With one process nothing is sent, and every number is as it was.
 */
import * as tf from '@tensorflow/tfjs';
import { type Evaluation, mergeEvaluations } from './evaluation';
import type { Ranks } from './ranks';
import type { EvaluationData, TrainingBatch, TrainingData } from './training_data';
import type { WeightAverage } from './weight_average';

/** Numbers that travel together: 4 MB, of which the next are read while those before are on their way. */
const BUCKET = 2 ** 20;

export class DataParallel {
  readonly rank: number;
  readonly size: number;

  constructor(private readonly ranks?: Ranks) {
    this.rank = ranks?.rank ?? 0;
    this.size = ranks?.size ?? 1;
  }

  /** Whether this process reports and keeps what all of them have. */
  get isFirst(): boolean {
    return this.rank === 0;
  }

  /**
   * Of the batches of an epoch from index `start` on, a multiple of the number of processes, every one of which this
   * process is to learn from: they are dealt out one by one, so that the same batches make one step whatever that
   * number. No batch goes to two; those that are too few for a round are left out, as by drop_last of PyTorch's
   * DistributedSampler.
   */
  share(data: TrainingData, epoch: number, start: number): AsyncIterable<TrainingBatch> {
    const { rank, size } = this;
    if (size === 1) return data.batches(epoch, start);
    if (data.dealt) return data.dealt(epoch, start + rank, size);
    return everyNth(data.batches(epoch, start), rank, size);
  }

  /** The mean over all processes of their means; the tensors are taken over, and the caller's again. */
  async meanGradients(gradients: tf.NamedTensorMap): Promise<tf.NamedTensorMap> {
    if (!this.ranks) return gradients;
    const names = Object.keys(gradients); // in the order of the variables, on every process
    const means = await this.mean(names.map((name) => gradients[name]!));
    tf.dispose(gradients);
    return Object.fromEntries(names.map((name, i) => [name, means[i]!]));
  }

  /**
   * Makes running statistics those of all processes, by their mean, as timm's `--dist-bn reduce`; in the average of
   * the weights too.
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

  /** Each number's sum over all processes. */
  async total(numbers: readonly number[]): Promise<number[]> {
    const sums = Float64Array.from(numbers);
    await this.ranks?.sum(sums);
    return Array.from(sums);
  }

  /** What `measure` finds on this process's share of the samples, put together with the others'. */
  async evaluate(
    data: EvaluationData,
    measure: (share: EvaluationData) => Promise<Evaluation>,
  ): Promise<Evaluation> {
    const { ranks, rank, size } = this;
    if (!ranks) return measure(data);
    const { classNames, length } = data;
    const batches = () => data.dealt?.(rank, size) ?? everyNth(data.batches(), rank, size);
    // Of few samples there may be none for this process.
    const some = (await batches()[Symbol.asyncIterator]().next()).done !== true;
    const found = some ? await measure({ classNames, length, batches }) : null;
    return mergeEvaluations((await ranks.gather(found)).filter((part) => part !== null));
  }

  /** Resolves when every process has come here. */
  async wait(): Promise<void> {
    await this.ranks?.barrier();
  }

  /** The means of tensors of the same shapes on every process, new ones. */
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
