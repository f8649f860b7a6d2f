/** AdamWStep and Blend on tfjs-node: one TensorFlow op of this library's addon per variable. */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import { type AdamWAttrs, AdamWStep, Blend, type BlendAttrs } from '../updates';
import { kernel, opAttrs } from './backend';

function adamWStep(
  { p, g, m, v }: Record<'p' | 'g' | 'm' | 'v', TensorInfo>,
  backend: TensorflowBackend,
  { beta1, beta2, epsilon, kept, rate, root }: AdamWAttrs,
): Tensor[] {
  const factors = [kept, rate, root, epsilon, beta1, 1 - beta1, beta2, 1 - beta2];
  const inputs = [p, g, m, v, tf.tensor1d(factors)];
  return backend.executeMultipleOutputs('SpikingformerAdamW', [], inputs, 3);
}

function blend(
  { old, now }: Record<'old' | 'now', TensorInfo>,
  backend: TensorflowBackend,
  { kept, taken }: BlendAttrs,
): Tensor {
  const attrs = opAttrs(backend, { floats: { kept, taken } });
  return backend.executeMultipleOutputs('SpikingformerBlend', attrs, [old, now], 1)[0]!;
}

export const updateKernels: KernelConfig[] = [kernel(AdamWStep, adamWStep), kernel(Blend, blend)];
