/**
 * How informative tokens are, without training: TP-Spikformer's scores (its published code, repository
 * TP-Spikformer-Token-Pruned-Spiking-Transformer).
 */
import * as tf from '@tensorflow/tfjs';
import { conv2d } from './spike_conv';
import { checkKeys, checkPositiveInteger, invalid } from './validate';

/** Options of `tokenScores`. */
export interface TokenScoreParams {
  /** Side of the box of tokens that each token is compared with, odd. Default 3; the authors use 7 for QKFormer. */
  windowSize?: number;
}

/** As in torch's cosine similarity: the lower bound of a norm. */
const EPSILON = 1e-8;

/** Throws unless it is an odd number. */
export function checkWindowSize(argument: string, value: unknown): void {
  checkPositiveInteger(argument, value);
  if ((value as number) % 2 === 0) throw invalid(argument, 'odd', value);
}

/** Softmax over the tokens of an image `[batch, height, width]`. */
function overTokens(x: tf.Tensor): tf.Tensor3D {
  const [batch, height, width] = (x as tf.Tensor3D).shape;
  return tf.softmax(x.reshape([batch, height * width])).reshape([batch, height, width]);
}

/**
 * @internal softmax(mean over t of |m(t) - m(t - 1)|), where m is the mean over channels. All equal if there is one
 * time step.
 */
export function temporalScores(x: tf.Tensor): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, time, height, width] = (x as tf.Tensor5D).shape;
    if (time === 1) return tf.fill([batch, height, width], 1 / (height * width));
    const means = x.mean(4);
    const size = [batch, time - 1, height, width];
    const later = means.slice([0, 1, 0, 0], size);
    return overTokens(
      later
        .sub(means.slice([0, 0, 0, 0], size))
        .abs()
        .mean(1),
    );
  });
}

/**
 * @internal softmax(-cos(r, b)), where r is the mean over time and b the box mean of r, summed over channels and the
 * same for each, with zeros beyond the image.
 */
export function spatialScores(x: tf.Tensor, windowSize: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, , height, width, channels] = (x as tf.Tensor5D).shape;
    const rates = x.mean(1);
    const sums = rates.sum(3, true) as tf.Tensor4D;
    const box = tf.fill<tf.Rank.R4>([windowSize, windowSize, 1, 1], windowSize ** -2);
    const around = conv2d(sums, box, 1, 'same') as typeof sums;
    const norm = rates.square().sum(3, true).sqrt().maximum(EPSILON);
    const boxNorm = around
      .abs()
      .mul(channels ** 0.5)
      .maximum(EPSILON);
    const cosine = sums.mul(around).div(norm).div(boxNorm);
    return overTokens(cosine.neg().reshape([batch, height, width]));
  });
}

/**
 * A score for each token, `[batch, height, width]`: how much it changes over time plus how little it resembles its
 * surroundings, each a softmax over the tokens. With one time step nothing changes (the published code returns NaN),
 * and the surroundings alone decide.
 *
 * ```ts
 * const scores = spiking.tokenScores(tf.randomUniform([2, 4, 8, 8, 64])); // [2, 8, 8], each sample's sum 2
 * ```
 *
 * @param x `[batch, time, height, width, channels]`
 * @throws if x has another number of axes, or windowSize is not odd
 */
export function tokenScores(x: tf.Tensor, params: TokenScoreParams = {}): tf.Tensor3D {
  checkKeys('tokenScores', params, ['windowSize']);
  const { windowSize = 3 } = params;
  if (x.rank !== 5) throw invalid('x', 'of shape [batch, time, height, width, channels]', x.shape);
  checkWindowSize('windowSize', windowSize);
  return tf.tidy(() => temporalScores(x).add(spatialScores(x, windowSize)));
}
