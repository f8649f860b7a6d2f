/** LayerNorm and BiasLayerNorm on tfjs-node: TensorFlow ops of this library's addon. */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  BiasLayerNorm,
  BiasLayerNormGrad,
  LayerNorm,
  type LayerNormAttrs,
  LayerNormGrad,
  type LayerNormGradInputs,
  type LayerNormInputs,
} from '../layer_norm';
import { kernel, opAttrs } from './backend';

/** The op of that name, of inputs before the bias, if there is one. */
function run(
  backend: TensorflowBackend,
  op: string,
  { epsilon }: LayerNormAttrs,
  inputs: TensorInfo[],
  bias: TensorInfo | undefined,
  outputs: number,
): Tensor[] {
  const biases = bias ? [bias] : [];
  const attrs = opAttrs(backend, { floats: { epsilon }, ints: { N: biases.length } });
  return backend.executeMultipleOutputs(op, attrs, [...inputs, ...biases], outputs);
}

const forward = (name: string) =>
  kernel<LayerNormInputs, LayerNormAttrs>(
    name,
    ({ x, gamma, beta, bias }, backend, attrs) =>
      run(backend, 'SpikingformerLayerNorm', attrs, [x, gamma, beta], bias, 1)[0]!,
  );

const gradient = (name: string) =>
  kernel<LayerNormGradInputs, LayerNormAttrs>(name, ({ dy, x, gamma, bias }, backend, attrs) =>
    run(backend, 'SpikingformerLayerNormGrad', attrs, [dy, x, gamma], bias, bias ? 4 : 3),
  );

/** What the ops have for CPUs alone. */
export const layerNormKernels: KernelConfig[] = [
  forward(LayerNorm),
  gradient(LayerNormGrad),
  forward(BiasLayerNorm),
  gradient(BiasLayerNormGrad),
];
