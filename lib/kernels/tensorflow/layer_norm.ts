/** LayerNorm on tfjs-node: TensorFlow ops of this library's addon. */
import type { KernelConfig } from '@tensorflow/tfjs';
import {
  LayerNorm,
  type LayerNormAttrs,
  LayerNormGrad,
  type LayerNormGradInputs,
  type LayerNormInputs,
} from '../layer_norm';
import { kernel, opAttrs } from './backend';

/** What the ops have for CPUs alone. */
export const layerNormKernels: KernelConfig[] = [
  kernel<LayerNormInputs, LayerNormAttrs>(LayerNorm, ({ x, gamma, beta }, backend, { epsilon }) => {
    const attrs = opAttrs(backend, { floats: { epsilon } });
    const inputs = [x, gamma, beta];
    return backend.executeMultipleOutputs('SpikingformerLayerNorm', attrs, inputs, 1)[0]!;
  }),
  kernel<LayerNormGradInputs, LayerNormAttrs>(
    LayerNormGrad,
    ({ dy, x, gamma }, backend, { epsilon }) => {
      const attrs = opAttrs(backend, { floats: { epsilon } });
      const inputs = [dy, x, gamma];
      return backend.executeMultipleOutputs('SpikingformerLayerNormGrad', attrs, inputs, 3);
    },
  ),
];
