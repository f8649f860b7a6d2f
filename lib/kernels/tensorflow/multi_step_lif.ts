/** MultiStepLIF on tfjs-node: one TensorFlow op of this library's addon for all time steps. */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  keepsShare,
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  mayFireBits,
  type NeuronAttrs,
  type NeuronOutputs,
} from '../multi_step_lif';
import { surrogateNames } from '../surrogate';
import { kernel, opAttrs } from './backend';
import { mayStoreAsBits, storedAsBits } from './spike_storage';

/** A learned decay as ops take it: 1 / tau instead of w, so that sigmoid is tf's. None without w. */
export function decayOf(w: TensorInfo | undefined): TensorInfo[] {
  return w ? [tf.sigmoid(w as Tensor)] : [];
}

/** The optional inputs, in the op's order. */
function optionalInputs({ v0, w }: MultiStepLIFInputs): TensorInfo[] {
  return [...(v0 ? [v0] : []), ...decayOf(w)];
}

/**
 * The attributes of every op with neurons inside; `gradient` adds those of gradient ops. `learnt`: whether 1 / tau is
 * an input.
 */
export function neuronAttrs(
  backend: TensorflowBackend,
  attrs: NeuronAttrs,
  gradient = false,
  learnt = false,
) {
  const keeps = keepsShare(attrs, learnt);
  const { tau, vThreshold, vReset, decayInput, alpha, surrogate, detachReset } = attrs;
  return opAttrs(backend, {
    floats: {
      tau,
      v_threshold: vThreshold,
      v_reset: vReset ?? 0,
      share: keeps ? 1 - 1 / tau : 1 / tau,
      ...(gradient && { alpha }),
    },
    ints: gradient ? { surrogate: surrogateNames.indexOf(surrogate) } : {},
    bools: {
      soft_reset: vReset === null,
      decay_input: decayInput,
      keeps,
      ...(gradient && { detach_reset: detachReset }),
    },
  });
}

function inputAttrs(
  backend: TensorflowBackend,
  { v0, w }: MultiStepLIFInputs,
  { lastMembranes = true }: NeuronOutputs,
) {
  return opAttrs(backend, {
    ints: { N: Number(v0 !== undefined) + Number(w !== undefined) },
    bools: {
      has_v0: v0 !== undefined,
      has_decay: w !== undefined,
      last_membranes: lastMembranes,
    },
  });
}

function multiStepLIF(
  inputs: MultiStepLIFInputs,
  backend: TensorflowBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): Tensor[] {
  const { x } = inputs;
  const given = [
    ...inputAttrs(backend, inputs, attrs),
    ...neuronAttrs(backend, attrs, false, inputs.w !== undefined),
  ];
  const all = [x, ...optionalInputs(inputs)];
  const row = tf.util.sizeFromShape(x.shape.slice(2));
  if (!mayFireBits(inputs, attrs) || !mayStoreAsBits(x.shape, row)) {
    return backend.executeMultipleOutputs('SpikingformerMultiStepLif', given, all, 2);
  }
  const op = 'SpikingformerPackedMultiStepLif';
  const [words] = backend.executeMultipleOutputs(op, given, all, 1);
  return [storedAsBits(backend, words!, x.shape), tf.tensor1d([])];
}

function multiStepLIFGrad(
  inputs: MultiStepLIFGradInputs,
  backend: TensorflowBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): Tensor[] {
  const { x, dSpikes, dV, v0, w } = inputs;
  const [dx, dv0, dk] = backend.executeMultipleOutputs(
    'SpikingformerMultiStepLifGrad',
    [...inputAttrs(backend, inputs, attrs), ...neuronAttrs(backend, attrs, true, w !== undefined)],
    [x, dSpikes, dV, ...optionalInputs(inputs)],
    3,
  );
  return [dx!, ...(v0 ? [dv0!] : []), ...(w ? [dk!.reshape(w.shape)] : [])];
}

export const multiStepLIFKernels: KernelConfig[] = [
  kernel<MultiStepLIFInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIF, multiStepLIF),
  kernel<MultiStepLIFGradInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIFGrad, multiStepLIFGrad),
];
