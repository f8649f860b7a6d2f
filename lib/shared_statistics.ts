/** Batch norm over the batches of several processes (SyncBatchNorm): it adds up their statistics and gradients. */
import * as tf from '@tensorflow/tfjs';
import { shared } from './shared';

/** The processes that share a batch; all have the same number of values. */
export interface StatisticsShare {
  readonly size: number;
  /** Replaces the array with its sum over all processes, and waits for them. */
  sumNow(array: Float64Array): void;
}

const state = shared('statisticsShare', () => ({ current: null as StatisticsShare | null }));

/** From now on, batch norms in training cover the batches of all of these processes; null: of this process only. */
export function shareStatistics(share: StatisticsShare | null): void {
  state.current = share;
}

export const statisticsShare = (): StatisticsShare | null => state.current;

/**
 * `batchNormTraining` of a shared batch: composed, since it waits for the other processes midway. x is `[...,
 * channels]`.
 */
export function sharedBatchNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
  share: StatisticsShare,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const channels = gamma.shape[0]!;
  const count = (x.size / channels) * share.size;
  const mean = (...sums: tf.Tensor[]): tf.Tensor[] => {
    const numbers = Float64Array.from(sums.flatMap((sum) => Array.from(sum.dataSync())));
    share.sumNow(numbers);
    const means = Float32Array.from(numbers, (n) => n / count);
    return sums.map((_, i) => tf.tensor1d(means.subarray(i * channels, (i + 1) * channels)));
  };
  const statistics = tf.tidy(() => {
    const rows = x.reshape([-1, channels]);
    const [average] = mean(rows.sum(0));
    const [variance] = mean(rows.sub(average!).square().sum(0));
    return [average!, variance!] as const;
  });
  const [average, variance] = statistics;
  const normalize = tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [...tf.Tensor[], tf.GradSaveFunc] as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const inverse = variance.add(epsilon).rsqrt();
    const normal = input.sub(average).mul(inverse);
    save([normal, scale, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [xhat, factor, inv] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const rows = dy.reshape([-1, channels]);
      const dBeta = rows.sum(0);
      const dGamma = rows.mul(xhat.reshape(rows.shape)).sum(0);
      const [meanDy, meanProduct] = mean(dBeta, dGamma) as [tf.Tensor, tf.Tensor];
      const dx = dy.sub(meanDy).sub(xhat.mul(meanProduct)).mul(factor.mul(inv));
      return [dx, dGamma, dBeta];
    };
    return { value: normal.mul(scale).add(shift), gradFunc };
  });
  return [normalize(x, gamma, beta), average, variance];
}
