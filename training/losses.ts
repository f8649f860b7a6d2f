/** Cross entropy of logits with soft targets, as label smoothing and mixup produce them. */
import * as tf from '@tensorflow/tfjs';
import { checkPositiveInteger, invalid } from '../lib/validate';

/**
 * loss = mean over the batch of -sum_k targets_k log softmax(logits)_k (timm's SoftTargetCrossEntropy). `targets` and
 * `logits` are `[batch, classes]`; each row of `targets` adds up to 1. Returns a scalar; throws if the shapes differ.
 * The arguments are in the order of tf.losses, for `model.compile({ loss })`.
 */
export function softTargetCrossEntropy(targets: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  if (logits.rank !== 2 || !tf.util.arraysEqual(targets.shape, logits.shape)) {
    throw invalid(
      'targets',
      `of the logits' shape [batch, classes], [${logits.shape}]`,
      targets.shape,
    );
  }
  return tf.tidy(() => targets.mul(logits.logSoftmax()).sum(-1).mean().neg().asScalar());
}

/**
 * softTargetCrossEntropy with a share `smoothing` of every target spread over all classes (Szegedy et al., arXiv
 * 1512.00567); `targets` are one-hot. For `model.compile`:
 *
 * ```ts
 * model.compile({ optimizer, loss: labelSmoothingCrossEntropy(0.1), metrics: ['accuracy'] });
 * ```
 */
export function labelSmoothingCrossEntropy(smoothing: number) {
  checkSmoothing(smoothing);
  return (targets: tf.Tensor, logits: tf.Tensor): tf.Scalar =>
    tf.tidy(() => {
      const smooth = targets.mul(1 - smoothing).add(smoothing / logits.shape.at(-1)!);
      return softTargetCrossEntropy(smooth, logits);
    });
}

/**
 * Labels as `[batch, numClasses]` numbers, row-major: 1 - smoothing + smoothing / numClasses at the label, smoothing /
 * numClasses elsewhere. Their loss equals that of smoothed one-hot targets.
 */
export function smoothTargets(
  labels: ArrayLike<number>,
  numClasses: number,
  smoothing = 0,
): Float32Array {
  checkPositiveInteger('numClasses', numClasses);
  checkSmoothing(smoothing);
  const off = smoothing / numClasses;
  const targets = new Float32Array(labels.length * numClasses).fill(off);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= numClasses) {
      throw invalid(`labels[${i}]`, `an integer from 0 to ${numClasses - 1}`, label);
    }
    targets[i * numClasses + label] = 1 - smoothing + off;
  }
  return targets;
}

function checkSmoothing(smoothing: number): void {
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw invalid('smoothing', 'a number from 0 to below 1', smoothing);
  }
}
