/**
 * The names, inputs and attributes of this library's own tfjs kernels: what every backend's folder
 * implements, and what `composed/` specifies in stock tfjs ops.
 */
import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import type { SurrogateName } from '../surrogate';

/**
 * All time steps of charge, fire and reset, for all neurons, in one call.
 * Inputs: x `[batch, time, ...]`; v0 `[batch, ...]`, optional, else every membrane starts at vReset
 * (0 where vReset is null); w, optional, one element: 1 / tau is sigmoid(w) instead of attrs.tau.
 * Outputs: spikes, shaped as x; v `[batch, ...]`, the membranes after the last reset. Where
 * attrs.lastMembranes is false, nobody will look at v, and a backend may leave it empty (`[0]`).
 */
export const MultiStepLIF = 'MultiStepLIF';

/**
 * The gradient of MultiStepLIF, backward through time from x alone.
 * Inputs: those of MultiStepLIF; dSpikes, shaped as x; dV, shaped as v, empty where v was.
 * Outputs: dx; then dv0 if v0 was given; then dw, shaped as w, if w was given.
 */
export const MultiStepLIFGrad = 'MultiStepLIFGrad';

/**
 * The parameters of an integrate-and-fire neuron, complete and checked.
 * Charge: decayInput: h = v + (x - (v - vReset)) / tau; else h = v - (v - vReset) / tau + x, or
 * h = v (1 - 1 / tau) + x (keepsShare), rounded as it stands.
 * A neuron without leak (IF) is tau = Infinity without decayInput.
 */
export interface NeuronAttrs {
  tau: number;
  vThreshold: number;
  vReset: number | null;
  detachReset: boolean;
  decayInput: boolean;
  surrogate: SurrogateName;
  alpha: number;
}

/**
 * Whether h = v (1 - 1 / tau) + x, as SpikingJelly computes it where the rest is 0 and the input does
 * not decay; a neuron without leak keeps all of v. Learnt: whether there is an input w.
 */
export function keepsShare({ tau, vReset, decayInput }: NeuronAttrs, learnt: boolean): boolean {
  return !decayInput && (!vReset || (tau === Infinity && !learnt));
}

/** What the caller of MultiStepLIF will look at besides the spikes. */
export interface NeuronOutputs {
  lastMembranes: boolean;
}

export interface MultiStepLIFInputs extends NamedTensorInfoMap {
  x: TensorInfo;
}

export interface MultiStepLIFGradInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  dSpikes: TensorInfo;
  dV: TensorInfo;
}

/**
 * Batch normalization with the statistics of the batch, over every axis but the last.
 * Inputs: x `[..., channels]`, gamma, beta `[channels]`.
 * Outputs: y, shaped as x; mean and variance (biased) `[channels]`, for running statistics: no
 * gradient flows back through these two.
 */
export const BatchNormTraining = 'BatchNormTraining';

/** Inputs: dy, x, gamma, mean, variance. Outputs: dx, dgamma, dbeta. */
export const BatchNormTrainingGrad = 'BatchNormTrainingGrad';

export interface BatchNormAttrs {
  epsilon: number;
}

export interface BatchNormInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
}

export interface BatchNormGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  x: TensorInfo;
  gamma: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
}

/**
 * BatchNormTraining and, behind it, a MultiStepLIF without first membranes, as one: nothing between the
 * two is kept. Only backends that have it of their own run it (run.ts).
 * Inputs: x `[batch, time, ..., channels]`, gamma, beta `[channels]`.
 * Outputs: spikes, shaped as x; mean and variance as of BatchNormTraining.
 */
export const BatchNormLIF = 'BatchNormLIF';

/** Inputs: dy, shaped as the spikes; x, gamma, mean, variance, beta. Outputs: dx, dgamma, dbeta. */
export const BatchNormLIFGrad = 'BatchNormLIFGrad';

export type BatchNormLIFAttrs = BatchNormAttrs & NeuronAttrs;

export interface BatchNormLIFGradInputs extends BatchNormGradInputs {
  beta: TensorInfo;
}

/**
 * PyTorch's MaxPool2d: padding on both sides that never wins, NaN always.
 * Input: x `[batch, height, width, channels]`. Output side: floor((n + 2 padding - poolSize) / strides) + 1.
 */
export const FirstMaxPool = 'FirstMaxPool';

/**
 * Its gradient, which goes to the first maximum of a window in row-major order, as PyTorch's does; to
 * its last NaN, where there is one.
 * Inputs: dy, x. Output: dx.
 */
export const FirstMaxPoolGrad = 'FirstMaxPoolGrad';

export interface MaxPoolAttrs {
  poolSize: number;
  strides: number;
  padding: number;
}

/**
 * A convolution of spikes at inference, stride 1 and padding 'same', and the batch norm after it as
 * one factor and one term a channel: y = scale * conv(x, filter) + shift. It has no gradient.
 * Inputs: x `[batch, height, width, channels]`, any numbers, faster the more of them are 0; filter
 * `[size, size, channels, filters]`, size odd; scale, shift `[filters]`.
 * Output: y `[batch, height, width, filters]`: of an infinite or NaN filter too what a dense sum gives.
 */
export const SpikeConv2D = 'SpikeConv2D';

export interface SpikeConv2DInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  filter: TensorInfo;
  scale: TensorInfo;
  shift: TensorInfo;
}

/**
 * One step of AdamW for one variable (training/adamw.ts): with the gradient g,
 * m' = beta1 m + (1 - beta1) g; v' = beta2 v + (1 - beta2) g^2; p' = kept p - rate m' / (sqrt(v') / root + epsilon).
 * Inputs: p, g, m, v, of one shape. Outputs: p', m', v'.
 */
export const AdamWStep = 'AdamWStep';

export interface AdamWAttrs {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** What the decay leaves of p. */
  kept: number;
  /** The learning rate over the first moment's bias correction. */
  rate: number;
  /** The square root of the second moment's bias correction. */
  root: number;
}

/** old kept + now taken: moving averages. Inputs: old, now, of one shape. Output: the same. It has no gradient. */
export const Blend = 'Blend';

export interface BlendAttrs {
  kept: number;
  taken: number;
}

/**
 * Spiking attention without softmax, each head for itself: y = scale (q kT) v, channel
 * a headDim + e being e of head a; headDim = channels / numHeads.
 * Inputs: q, k, v `[batch, time, ...tokens, channels]`. Output: y, of their shape.
 * Backends without one of their own have no such kernel: stock ops keep for their gradient what the
 * kernel of the gradient would have to compute anew.
 */
export const SpikingAttention = 'SpikingAttention';

/** The gradient of SpikingAttention. Inputs: dy, q, k, v. Outputs: dq, dk, dv. */
export const SpikingAttentionGrad = 'SpikingAttentionGrad';

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
