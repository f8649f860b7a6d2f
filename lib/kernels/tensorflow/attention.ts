/** SpikingAttention on tfjs-node: TensorFlow ops of this library's addon. */
import type { KernelConfig, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  PackedSpikingAttention,
  PackedSpikingAttentionGrad,
  type PackedSpikingAttentionGradInputs,
  SpikingAttention,
  type SpikingAttentionAttrs,
  SpikingAttentionGrad,
  type SpikingAttentionGradInputs,
  type SpikingAttentionInputs,
} from '../attention';
import { kernel, opAttrs } from './backend';
import { packSpikes } from './spikes';

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

function packedAttention(
  { q, k, v }: SpikingAttentionInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
): Tensor[] {
  const y = attention({ q, k, v }, backend, attrs);
  return [y, packSpikes(backend, [q, k, v]) ?? tf.stack([q, k, v] as Tensor[])];
}

function packedAttentionGrad(
  { dy, kept }: PackedSpikingAttentionGradInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
): Tensor[] {
  if (kept.dtype !== 'int32') {
    const [q, k, v] = tf.unstack(kept as Tensor) as [Tensor, Tensor, Tensor];
    return attentionGrad({ dy, q, k, v }, backend, attrs);
  }
  const op = opAttrsOf(backend, attrs);
  return backend.executeMultipleOutputs('SpikingformerPackedAttentionGrad', op, [dy, kept], 3);
}

/** What the ops have for CPUs alone. */
export const packedAttentionKernels: KernelConfig[] = [
  kernel<SpikingAttentionInputs, SpikingAttentionAttrs>(PackedSpikingAttention, packedAttention),
  kernel<PackedSpikingAttentionGradInputs, SpikingAttentionAttrs>(
    PackedSpikingAttentionGrad,
    packedAttentionGrad,
  ),
];
