/** MultiStepLIF on tfjs-node: one TensorFlow op for all time steps, from this library's own addon. */
import type { KernelConfig, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { surrogateNames } from '../../surrogate';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  type NeuronAttrs,
  type NeuronOutputs,
} from '../spec';
import { kernel, opAttrs, type TensorflowBackend } from './backend';

/** The inputs that may be missing, in the op's order; it takes 1 / tau, not w, so as to share tf's sigmoid. */
function optionalInputs({ v0, w }: MultiStepLIFInputs): tf.TensorInfo[] {
  return [...(v0 ? [v0] : []), ...(w ? [tf.sigmoid(w as Tensor)] : [])];
}

function attrsOfBoth(
  backend: TensorflowBackend,
  inputs: MultiStepLIFInputs,
  attrs: NeuronAttrs & NeuronOutputs,
) {
  const { tau, vThreshold, vReset, decayInput, lastMembranes = true } = attrs;
  return opAttrs(backend, {
    floats: { tau, v_threshold: vThreshold, v_reset: vReset ?? 0 },
    ints: { N: Number(inputs.v0 !== undefined) + Number(inputs.w !== undefined) },
    bools: {
      has_v0: inputs.v0 !== undefined,
      has_decay: inputs.w !== undefined,
      soft_reset: vReset === null,
      decay_input: decayInput,
      last_membranes: lastMembranes,
    },
  });
}

function multiStepLIF(
  inputs: MultiStepLIFInputs,
  backend: TensorflowBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): Tensor[] {
  return backend.executeMultipleOutputs(
    'SpikingformerMultiStepLif',
    attrsOfBoth(backend, inputs, attrs),
    [inputs.x, ...optionalInputs(inputs)],
    2,
  );
}

function multiStepLIFGrad(
  inputs: MultiStepLIFGradInputs,
  backend: TensorflowBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): Tensor[] {
  const { x, dSpikes, dV, v0, w } = inputs;
  const { tau, alpha, surrogate, detachReset } = attrs;
  const [dx, dv0, dk] = backend.executeMultipleOutputs(
    'SpikingformerMultiStepLifGrad',
    [
      ...attrsOfBoth(backend, inputs, attrs),
      ...opAttrs(backend, {
        floats: { k: 1 / tau, alpha },
        ints: { surrogate: surrogateNames.indexOf(surrogate) },
        bools: { detach_reset: detachReset },
      }),
    ],
    [x, dSpikes, dV, ...optionalInputs(inputs)],
    3,
  );
  return [dx!, ...(v0 ? [dv0!] : []), ...(w ? [dk!.reshape(w.shape)] : [])];
}

export const multiStepLIFKernels: KernelConfig[] = [
  kernel<MultiStepLIFInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIF, multiStepLIF),
  kernel<MultiStepLIFGradInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIFGrad, multiStepLIFGrad),
];
