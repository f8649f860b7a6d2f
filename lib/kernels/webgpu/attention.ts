/** SpikingAttention and its gradient on webgpu: stock ops, which keep nothing but q, k and v, as bits if they are. */
import * as tf from '@tensorflow/tfjs';
import { engine, type WebGPUBackend } from '../../tfjs_internals';
import {
  SpikingAttention,
  type SpikingAttentionAttrs,
  SpikingAttentionGrad,
  spikingAttention,
  spikingAttentionGrad,
} from '../attention';
import { kernel } from './backend';
import { withNumbers } from './spike_storage';

type Inputs<Name extends string> = Record<Name, tf.TensorInfo>;

/** Inputs as tensors of numbers, until `body` has run. */
function withTensors<Name extends string, T extends tf.TensorContainer>(
  backend: WebGPUBackend,
  inputs: Inputs<Name>,
  body: (tensors: Record<Name, tf.Tensor>) => T,
): T {
  return withNumbers(backend, inputs, (numbers) =>
    tf.tidy(() => {
      const tensors = Object.entries(numbers).map(([name, x]) => {
        backend.incRef(x.dataId);
        return [name, engine().makeTensorFromTensorInfo(x)];
      });
      return body(Object.fromEntries(tensors));
    }),
  );
}

const attention = kernel<Inputs<'q' | 'k' | 'v'>, SpikingAttentionAttrs>(
  SpikingAttention,
  (inputs, backend, attrs) =>
    withTensors(backend, inputs, ({ q, k, v }) => spikingAttention(q, k, v, attrs)),
);

const attentionGrad = kernel<Inputs<'dy' | 'q' | 'k' | 'v'>, SpikingAttentionAttrs>(
  SpikingAttentionGrad,
  (inputs, backend, attrs) =>
    withTensors(backend, inputs, ({ dy, q, k, v }) => spikingAttentionGrad(dy, q, k, v, attrs)),
);

export const attentionKernels: tf.KernelConfig[] = [attention, attentionGrad];
