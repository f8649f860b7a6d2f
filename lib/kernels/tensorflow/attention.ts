/** SpikingAttention on tfjs-node: two TensorFlow ops of this library's addon. */
import type { KernelConfig, Tensor } from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  SpikingAttention,
  type SpikingAttentionAttrs,
  SpikingAttentionGrad,
  type SpikingAttentionGradInputs,
  type SpikingAttentionInputs,
} from '../attention';
import { kernel, opAttrs } from './backend';

const opAttrsOf = (backend: TensorflowBackend, { numHeads, scale }: SpikingAttentionAttrs) =>
  opAttrs(backend, { ints: { num_heads: numHeads }, floats: { scale } });

function attention(
  { q, k, v }: SpikingAttentionInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
): Tensor {
  const op = opAttrsOf(backend, attrs);
  return backend.executeMultipleOutputs('SpikingformerAttention', op, [q, k, v], 1)[0]!;
}

function attentionGrad(
  { dy, q, k, v }: SpikingAttentionGradInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
): Tensor[] {
  const op = opAttrsOf(backend, attrs);
  return backend.executeMultipleOutputs('SpikingformerAttentionGrad', op, [dy, q, k, v], 3);
}

export const attentionKernels: KernelConfig[] = [
  kernel<SpikingAttentionInputs, SpikingAttentionAttrs>(SpikingAttention, attention),
  kernel<SpikingAttentionGradInputs, SpikingAttentionAttrs>(SpikingAttentionGrad, attentionGrad),
];
