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
import { bitsOf } from '../spike_storage';
import { kernel, opAttrs } from './backend';
import { packSpikes } from './spikes';

const opAttrsOf = (backend: TensorflowBackend, { numHeads, scale }: SpikingAttentionAttrs) =>
  opAttrs(backend, { ints: { num_heads: numHeads }, floats: { scale } });

/** And, with `keep`, q, k and v as bits, if they are spikes. */
function attend(
  { q, k, v }: SpikingAttentionInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
  keep: boolean,
): { y: Tensor; words: Tensor | null } {
  const op = opAttrsOf(backend, attrs);
  const bits = [q, k, v].flatMap((x) => bitsOf(backend.tensorMap, x) ?? []);
  if (bits.length < 3) {
    const [y] = backend.executeMultipleOutputs('SpikingformerAttention', op, [q, k, v], 1);
    return { y: y!, words: keep ? packSpikes(backend, [q, k, v]) : null };
  }
  const more = opAttrs(backend, { ints: { shape: q.shape }, bools: { keep } });
  const packed = 'SpikingformerPackedAttention';
  const [y, words] = backend.executeMultipleOutputs(packed, [...op, ...more], bits, 2);
  return { y: y!, words: words! };
}

const attention = (
  inputs: SpikingAttentionInputs,
  backend: TensorflowBackend,
  attrs: SpikingAttentionAttrs,
): Tensor => attend(inputs, backend, attrs, false).y;

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
  const { y, words } = attend({ q, k, v }, backend, attrs, true);
  return [y, words ?? tf.stack([q, k, v] as Tensor[])];
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
