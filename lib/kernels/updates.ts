/** AdamWStep and Blend: what a training step does to each variable. */
import type * as tf from '@tensorflow/tfjs';
import { type KernelDefinition, runKernel } from './kernel';

/**
 * One step of AdamW for one variable (training/adamw.ts). With the gradient g: m' = beta1 m + (1 - beta1) g; v' = beta2
 * v + (1 - beta2) g^2; p' = kept p - rate m' / (sqrt(v') / root + epsilon). Inputs: p, g, m, v, of one shape. Outputs:
 * p', m', v'.
 */
export const AdamWStep = 'AdamWStep';

export interface AdamWAttrs {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** The share of p that weight decay leaves. */
  kept: number;
  /** The learning rate divided by the first moment's bias correction. */
  rate: number;
  /** The square root of the second moment's bias correction. */
  root: number;
}

/**
 * old kept + now taken, for moving averages. Inputs: old, now, of one shape. Output: the same shape. It has no
 * gradient.
 */
export const Blend = 'Blend';

export interface BlendAttrs {
  kept: number;
  taken: number;
}

/** The composed form of AdamWStep. */
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

/** The composed form of Blend. */
export function blend(old: tf.Tensor, now: tf.Tensor, { kept, taken }: BlendAttrs): tf.Tensor {
  return old.mul(kept).add(now.mul(taken));
}

export const updateDefinitions: KernelDefinition[] = [
  {
    name: AdamWStep,
    composed: ({ p, g, m, v }, attrs: AdamWAttrs) => adamWStep(p!, g!, m!, v!, attrs),
  },
  { name: Blend, composed: ({ old, now }, attrs: BlendAttrs) => blend(old!, now!, attrs) },
];

export function runAdamWStep(
  inputs: Record<'p' | 'g' | 'm' | 'v', tf.Tensor>,
  attrs: AdamWAttrs,
): [p: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  return runKernel(AdamWStep, inputs, attrs);
}

export function runBlend(old: tf.Tensor, now: tf.Tensor, attrs: BlendAttrs): tf.Tensor {
  return runKernel(Blend, { old, now }, attrs);
}
