/** What a training step does to every variable, in stock tfjs ops. */
import type * as tf from '@tensorflow/tfjs';
import type { AdamWAttrs, BlendAttrs } from '../spec';

/** See `AdamWStep` in spec.ts. */
export function adamWStep(
  p: tf.Tensor,
  g: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  { beta1, beta2, epsilon, kept, rate, root }: AdamWAttrs,
): [p: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  const first = m.mul(beta1).add(g.mul(1 - beta1));
  const second = v.mul(beta2).add(g.square().mul(1 - beta2));
  const change = first.mul(rate).div(second.sqrt().div(root).add(epsilon));
  return [(kept === 1 ? p : p.mul(kept)).sub(change), first, second];
}

/** See `Blend` in spec.ts. */
export function blend(old: tf.Tensor, now: tf.Tensor, { kept, taken }: BlendAttrs): tf.Tensor {
  return old.mul(kept).add(now.mul(taken));
}
