/** SpikingAttention and its gradient on wasm: of spikes, each head where it lies; of other numbers, stock ops. */
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import {
  SpikingAttention,
  type SpikingAttentionAttrs,
  SpikingAttentionGrad,
  spikingAttention,
  spikingAttentionGrad,
} from '../attention';
import { bitsOf } from '../spike_storage';
import { checkFloat32, type Heap, pointer, withHeap } from './backend';
import { kernelsOf } from './module';
import { areFinite } from './sparse';
import { roundUp, SPILL } from './tiles';

function sizesOf({ shape }: tf.TensorInfo, numHeads: number) {
  const tokens = tf.util.sizeFromShape(shape.slice(2, -1));
  return { steps: shape[0]! * shape[1]!, tokens, headDim: shape.at(-1)! / numHeads };
}

/** Whether all are spikes, so that rows may be added instead of multiplied; not if there are none. */
function areSpikes(backend: BackendWasm, tensors: readonly tf.TensorInfo[]): boolean {
  const kernels = kernelsOf(backend);
  return tensors.every((x) => {
    if (bitsOf(backend.dataIdMap, x)) return true;
    const size = tf.util.sizeFromShape(x.shape);
    return size > 0 && kernels.areSpikes(pointer(backend, x), size) === 1;
  });
}

/**
 * Calls `body` with the addresses of q, k and v for all time steps at once; if these are stored as bits, for one step
 * after the other, unpacked. `at`: the place of the first number of what it is called for, in bytes.
 */
function inSteps(
  backend: BackendWasm,
  heap: Heap,
  factors: tf.TensorInfo[],
  steps: number,
  body: (factors: number[], steps: number, at: number) => void,
): void {
  const length = tf.util.sizeFromShape(factors[0]!.shape) / steps;
  const bits = factors.flatMap((x) => bitsOf(backend.dataIdMap, x) ?? []);
  if (bits.length < factors.length || length % 16 !== 0) {
    const numbers = factors.map((x) => pointer(backend, x));
    body(numbers, steps, 0);
    return;
  }
  const unpacked = factors.map(() => pointer(backend, heap.scratch(length)));
  const from = bits.map((words) => pointer(backend, words));
  const { unpackSpikes } = kernelsOf(backend);
  for (let i = 0; i < steps; i++) {
    for (const [j, to] of unpacked.entries()) unpackSpikes(from[j]! + (i * length) / 8, length, to);
    body(unpacked, 1, 4 * i * length);
  }
}

type Inputs<Name extends string> = Record<Name, tf.Tensor>;

function attention(
  { q, k, v }: Inputs<'q' | 'k' | 'v'>,
  backend: BackendWasm,
  attrs: SpikingAttentionAttrs,
): tf.TensorInfo {
  checkFloat32(SpikingAttention, { q, k, v });
  if (!areSpikes(backend, [q, k, v])) return tf.tidy(() => spikingAttention(q, k, v, attrs));
  const { numHeads, scale } = attrs;
  const { steps, tokens, headDim } = sizesOf(q, numHeads);
  return withHeap(backend, (heap) => {
    const y = heap.output(q.shape);
    const kv = heap.scratch(headDim * headDim);
    const [yAt, kvAt] = [y, kv].map((x) => pointer(backend, x)) as [number, number];
    const { attention } = kernelsOf(backend);
    inSteps(backend, heap, [q, k, v], steps, ([q, k, v], steps, at) => {
      attention(q!, k!, v!, yAt + at, steps, tokens, numHeads, headDim, scale, kvAt);
    });
    return y;
  });
}

function attentionGrad(
  { dy, q, k, v }: Inputs<'dy' | 'q' | 'k' | 'v'>,
  backend: BackendWasm,
  attrs: SpikingAttentionAttrs,
): tf.TensorInfo[] {
  checkFloat32(SpikingAttentionGrad, { dy, q, k, v });
  if (!areSpikes(backend, [q, k, v]) || !areFinite(backend, dy)) {
    return tf.tidy(() => spikingAttentionGrad(dy, q, k, v, attrs));
  }
  const { numHeads, scale } = attrs;
  const { steps, tokens, headDim } = sizesOf(q, numHeads);
  return withHeap(backend, (heap) => {
    const outputs = [q, k, v].map(({ shape }) => heap.output(shape));
    const scratch = scratchOf(heap, tokens, headDim);
    const places = [dy, ...outputs, scratch].map((x) => pointer(backend, x));
    const [dyAt, dq, dk, dv, scratchAt] = places as [number, number, number, number, number];
    const { attentionGrad } = kernelsOf(backend);
    inSteps(backend, heap, [q, k, v], steps, ([q, k, v], steps, at) => {
      attentionGrad(
        dyAt + at,
        q!,
        k!,
        v!,
        dq + at,
        dk + at,
        dv + at,
        steps,
        tokens,
        numHeads,
        headDim,
        scale,
        scratchAt,
      );
    });
    return outputs;
  });
}

/** What assembly/attention.ts asks for. */
function scratchOf(heap: Heap, tokens: number, headDim: number): tf.TensorInfo {
  const columns = headDim + roundUp(headDim, 4) + roundUp(headDim, 8) + 4;
  return heap.scratch(SPILL + tokens * headDim + headDim * columns);
}

function kernel<Named extends Record<string, tf.Tensor>>(
  kernelName: string,
  run: (inputs: Named, backend: BackendWasm, attrs: SpikingAttentionAttrs) => unknown,
): tf.KernelConfig {
  return {
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) =>
      run(
        inputs as unknown as Named,
        backend as BackendWasm,
        attrs as unknown as SpikingAttentionAttrs,
      ) as tf.TensorInfo,
  };
}

export const attentionConfig = kernel(SpikingAttention, attention);
export const attentionGradConfig = kernel(SpikingAttentionGrad, attentionGrad);
