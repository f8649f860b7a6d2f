/**
 * Convolutions and linear maps of spikes at inference: the batch norm after them is one factor and
 * one term a channel, and zeros, 70 to 95 % of spikes, cost nothing where the backend has a kernel.
 */
import * as tf from '@tensorflow/tfjs';
import { runSpikeConv2D } from './kernels/run';

/** What a frozen batch norm does to each channel: y = scale x + shift. */
export interface ChannelAffine {
  scale: tf.Tensor;
  shift: tf.Tensor;
}

/** Whether a gradient may be asked for of what is computed now: the functions here have none. */
export function isRecordingGradients(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

/**
 * scale conv(x, filter) + shift, with stride 1 and padding 'same'.
 * @param x `[batch, height, width, channels]`. @param filter `[size, size, channels, filters]`, size odd.
 */
export function spikeConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { scale, shift }: ChannelAffine,
): tf.Tensor4D {
  return runSpikeConv2D(x, filter, scale, shift);
}

/** scale (x kernel) + shift. @param x `[..., channels]`. @param kernel `[channels, units]`. */
export function spikeLinear(
  x: tf.Tensor,
  kernel: tf.Tensor2D,
  { scale, shift }: ChannelAffine,
): tf.Tensor {
  const [channels, units] = kernel.shape;
  return tf.tidy(() => {
    const rows = x.toFloat().reshape<tf.Rank.R4>([-1, 1, 1, channels]);
    const filter = kernel.reshape<tf.Rank.R4>([1, 1, channels, units]);
    return runSpikeConv2D(rows, filter, scale, shift).reshape([...x.shape.slice(0, -1), units]);
  });
}
