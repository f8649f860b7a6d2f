/** SpikingAttention and its gradient (Zhou et al., arXiv 2304.11954). */

import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { isRecordingGradients } from '../tfjs_internals';
import { type KernelDefinition, runKernelOrForm } from './kernel';

/**
 * Spiking attention without softmax, for each head: y = scale (q kT) v. Channel a headDim + e is channel e of head a;
 * headDim = channels / numHeads. Inputs: q, k, v `[batch, time, ...tokens, channels]`. Output: y, of their shape. Only
 * backends that register it run it: stock ops keep for their gradient what the gradient's kernel has to compute again.
 */
export const SpikingAttention = 'SpikingAttention';

/** The gradient of SpikingAttention. Inputs: dy, q, k, v. Outputs: dq, dk, dv. */
export const SpikingAttentionGrad = 'SpikingAttentionGrad';

/**
 * SpikingAttention in training. Outputs: y; kept, for the gradient: q, k and v as bits, int32, one after the other, or
 * `[3, ...]` if they hold other numbers than spikes. Only backends with a native kernel run it.
 */
export const PackedSpikingAttention = 'PackedSpikingAttention';

/** The gradient of PackedSpikingAttention. Inputs: dy, kept. Outputs: dq, dk, dv. */
export const PackedSpikingAttentionGrad = 'PackedSpikingAttentionGrad';

export interface PackedSpikingAttentionGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  kept: TensorInfo;
}

export interface SpikingAttentionAttrs {
  numHeads: number;
  scale: number;
}

export interface SpikingAttentionInputs extends NamedTensorInfoMap {
  q: TensorInfo;
  k: TensorInfo;
  v: TensorInfo;
}

export interface SpikingAttentionGradInputs extends SpikingAttentionInputs {
  dy: TensorInfo;
}

/**
 * scale (q kT) v or scale q (kT v), whichever takes fewer operations, for heads `[..., tokens, headDim]`. For spikes
 * both are sums of whole numbers, and equal bit for bit.
 */
export function headProduct(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): tf.Tensor {
  const [tokens, headDim] = q.shape.slice(-2) as [number, number];
  const product =
    tokens < headDim
      ? tf.matMul(tf.matMul(q, k, false, true), v)
      : tf.matMul(q, tf.matMul(k, v, true, false));
  return product.mul(scale);
}

/** `[batch, time, ...tokens, channels]` -> `[batch, time, heads, tokens, headDim]`. */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const { shape } = x;
  const [batch, time, channels] = [shape[0]!, shape[1]!, shape.at(-1)!];
  const tokens = tf.util.sizeFromShape(shape.slice(2, -1));
  return x.reshape([batch, time, tokens, heads, channels / heads]).transpose([0, 1, 3, 2, 4]);
}

/** The inverse of `splitHeads`: back to `shape`. */
function mergeHeads(x: tf.Tensor, shape: number[]): tf.Tensor {
  return x.transpose([0, 1, 3, 2, 4]).reshape(shape);
}

/** The stock ops that SpikingAttention stands for. */
export function spikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { numHeads, scale }: SpikingAttentionAttrs,
): tf.Tensor {
  const [qs, ks, vs] = [q, k, v].map((x) => splitHeads(x, numHeads));
  return mergeHeads(headProduct(qs!, ks!, vs!, scale), q.shape);
}

/** Their gradient. */
export function spikingAttentionGrad(
  dy: tf.Tensor,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { numHeads, scale }: SpikingAttentionAttrs,
): tf.Tensor[] {
  const [ds, qs, ks, vs] = [dy.mul(scale), q, k, v].map((x) => splitHeads(x, numHeads));
  const gradients = headGradients(ds!, qs!, ks!, vs!);
  return gradients.map((gradient) => mergeHeads(gradient, q.shape));
}

/** The gradients of `headProduct` with a scale of 1. */
function headGradients(dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor[] {
  const [tokens, headDim] = q.shape.slice(-2) as [number, number];
  if (tokens < headDim) {
    const qk = tf.matMul(q, k, false, true);
    const dqk = tf.matMul(dy, v, false, true);
    return [tf.matMul(dqk, k), tf.matMul(dqk, q, true), tf.matMul(qk, dy, true)];
  }
  const kv = tf.matMul(k, v, true);
  const dkv = tf.matMul(q, dy, true);
  return [tf.matMul(dy, kv, false, true), tf.matMul(v, dkv, false, true), tf.matMul(k, dkv)];
}

const definition: KernelDefinition = {
  name: SpikingAttention,
  standsFor: ({ q, k, v }, attrs: SpikingAttentionAttrs) =>
    tf.tidy(() => spikingAttention(q!, k!, v!, attrs)),
  gradient: { kernel: SpikingAttentionGrad, inputs: ['q', 'k', 'v'], of: ['q', 'k', 'v'] },
};

const packed: KernelDefinition = {
  name: PackedSpikingAttention,
  standsFor: ({ q, k, v }, attrs: SpikingAttentionAttrs) =>
    runKernelOrForm(definition, { q: q!, k: k!, v: v! }, attrs),
  gradient: {
    kernel: PackedSpikingAttentionGrad,
    inputs: [],
    outputs: ['', 'kept'],
    of: ['q', 'k', 'v'],
  },
};

const once = {
  what: 'multiHeadSpikingAttention',
  why: 'it was computed outside the function to differentiate',
};

export const attentionDefinitions: KernelDefinition[] = [
  definition,
  { name: SpikingAttentionGrad, once },
  packed,
  { name: PackedSpikingAttentionGrad, once },
];

export function runSpikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  attrs: SpikingAttentionAttrs,
): tf.Tensor {
  const used = isRecordingGradients() ? packed : definition;
  return [runKernelOrForm(used, { q, k, v }, attrs)].flat()[0]!;
}
