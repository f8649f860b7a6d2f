/** BatchNormAffine on wasm: a few hundred numbers, which cost less here than the calls of five of tfjs's kernels. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import type { BatchNormAttrs } from '../batch_norm';
import { BatchNormAffine, type BatchNormAffineInputs } from '../batch_norm_affine';
import { checkFloat32, heapView, withHeap } from './backend';

const { fround } = Math;

/** Rounds after each operation, as the composed form does. */
function batchNormAffine(
  inputs: BatchNormAffineInputs,
  backend: BackendWasm,
  attrs: BatchNormAttrs,
): TensorInfo[] {
  checkFloat32(BatchNormAffine, inputs);
  return withHeap(backend, (heap) => {
    const { shape } = inputs.gamma;
    const outputs = [heap.output(shape), heap.output(shape)];
    const view = (tensor: TensorInfo) => heapView(backend, tensor);
    const [scale, shift] = outputs.map(view);
    const [gamma, beta, mean, variance] = [
      inputs.gamma,
      inputs.beta,
      inputs.mean,
      inputs.variance,
    ].map(view);
    const bias = inputs.bias && view(inputs.bias);
    const epsilon = fround(attrs.epsilon);
    for (let c = 0; c < gamma.length; c++) {
      const deviation = fround(Math.sqrt(fround(variance[c] + epsilon)));
      const centre = bias ? fround(mean[c] - bias[c]) : mean[c];
      scale[c] = gamma[c] * fround(1 / deviation);
      shift[c] = beta[c] - fround(centre * scale[c]);
    }
    return outputs;
  });
}

export const batchNormAffineConfig: KernelConfig = {
  kernelName: BatchNormAffine,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    batchNormAffine(
      inputs as BatchNormAffineInputs,
      backend as BackendWasm,
      attrs as unknown as BatchNormAttrs,
    ),
};
