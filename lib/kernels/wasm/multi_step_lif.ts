/** MultiStepLIF and its gradient on wasm: one pass over the heap, membranes in registers. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import {
  keepsShare,
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  mayFireBits,
  type NeuronAttrs,
  type NeuronOutputs,
} from '../multi_step_lif';
import { surrogateNames, surrogateReach } from '../surrogate';
import { checkFloat32, heapView, pointer, withHeap } from './backend';
import { kernelsOf } from './module';
import { mayStoreAsBits, storedAsBits, wordsFor } from './spike_storage';

// Bits of `mode`, as assembly/multi_step_lif.ts reads them.
const DECAY_INPUT = 1;
const DIVIDE = 2;
const SOFT_RESET = 4;
const KEEP = 16;

/** Whether x / tau equals x * (1 / tau) in every bit: tau is a power of two, or infinite. */
function reciprocalIsExact(tau: number): boolean {
  return tau === Infinity || Number.isInteger(Math.log2(tau));
}

/** [batch, time, n] of a tensor [batch, time, ...]; one time step is one long row. */
function dimensions(shape: number[]): { batch: number; time: number; n: number } {
  const [batch, time, ...rest] = shape;
  const n = util.sizeFromShape(rest);
  return time === 1 ? { batch: 1, time, n: batch * n } : { batch, time, n };
}

/** 1 / tau as sigmoid(w), in float64; the kernel rounds it. */
function learnedGain(backend: BackendWasm, w: TensorInfo): number {
  return 1 / (1 + Math.exp(-heapView(backend, w)[0]));
}

/** How the charge is computed and with which number; and 1 / tau or, for a KEEP, the share of v that it leaves. */
function chargeOf(attrs: NeuronAttrs, w: TensorInfo | undefined, backend: BackendWasm) {
  const soft = attrs.vReset === null ? SOFT_RESET : 0;
  const gain = w ? Math.fround(learnedGain(backend, w)) : 1 / attrs.tau;
  if (keepsShare(attrs, w !== undefined)) {
    return { mode: soft | KEEP, k: 1 - gain, share: 1 - gain, gain };
  }
  const mode = soft | (attrs.decayInput ? DECAY_INPUT : 0);
  const tau = Math.fround(attrs.tau);
  return w || reciprocalIsExact(tau)
    ? { mode, k: w ? gain : 1 / tau, share: gain, gain }
    : { mode: mode | DIVIDE, k: tau, share: gain, gain };
}

function multiStepLIF(
  { x, v0, w }: MultiStepLIFInputs,
  backend: BackendWasm,
  attrs: NeuronAttrs & NeuronOutputs,
): TensorInfo[] {
  checkFloat32(MultiStepLIF, { x, v0, w });
  const { batch, time, n } = dimensions(x.shape);
  const { mode, k } = chargeOf(attrs, w, backend);
  return withHeap(backend, (heap) => {
    const packed = mayFireBits({ v0 }, attrs) && mayStoreAsBits(backend, x.shape);
    const spikes = packed ? wordsFor(heap, x.shape) : heap.output(x.shape);
    const unused = attrs.lastMembranes === false;
    const v = heap.output(unused ? [0] : [x.shape[0], ...x.shape.slice(2)]);
    kernelsOf(backend).lif(
      pointer(backend, x),
      v0 ? pointer(backend, v0) : 0,
      pointer(backend, spikes),
      Number(packed),
      unused ? 0 : pointer(backend, v),
      batch,
      time,
      n,
      mode,
      k,
      attrs.vThreshold,
      attrs.vReset ?? 0,
    );
    return [packed ? storedAsBits(backend, spikes, x.shape) : spikes, v];
  });
}

/** How many neurons' potentials and surrogates, over all time steps, fit the L1 cache. */
function blockLength(time: number): number {
  return Math.min(256, Math.max(16, Math.floor(2048 / time / 16) * 16));
}

function multiStepLIFGrad(
  { x, v0, w, dSpikes, dV }: MultiStepLIFGradInputs,
  backend: BackendWasm,
  attrs: NeuronAttrs,
): TensorInfo[] {
  checkFloat32(MultiStepLIFGrad, { x, v0, w, dSpikes, dV });
  const { batch, time, n } = dimensions(x.shape);
  const { mode, k, share, gain } = chargeOf(attrs, w, backend);
  const reach = surrogateReach(attrs.surrogate, attrs.alpha);
  const block = blockLength(time);
  return withHeap(backend, (heap) => {
    const dx = heap.output(x.shape);
    const dv0 = v0 && heap.output(v0.shape);
    const dw = w && heap.output(w.shape);
    const scratch = heap.scratch(16 + 2 * time * (block + 12));
    // Four float64 numbers; Emscripten aligns allocations to 16 bytes.
    const sums = w && heap.scratch(8);
    if (sums) heapView(backend, sums).fill(0);
    kernelsOf(backend).lifGrad(
      pointer(backend, x),
      v0 ? pointer(backend, v0) : 0,
      pointer(backend, dSpikes),
      util.sizeFromShape(dV.shape) > 0 ? pointer(backend, dV) : 0,
      pointer(backend, dx),
      dv0 ? pointer(backend, dv0) : 0,
      sums ? pointer(backend, sums) : 0,
      batch,
      time,
      n,
      mode,
      attrs.detachReset ? 0 : 1,
      k,
      share,
      reach,
      attrs.vThreshold,
      attrs.vReset ?? 0,
      surrogateNames.indexOf(attrs.surrogate),
      attrs.alpha,
      pointer(backend, scratch),
      block,
    );
    if (sums && dw) {
      const parts = new Float64Array(heapView(backend, sums).slice().buffer);
      heapView(backend, dw)[0] = parts.reduce((a, b) => a + b, 0) * gain * (1 - gain);
    }
    return [dx, dv0, dw].filter((t) => t !== undefined);
  });
}

export const multiStepLIFConfig: KernelConfig = {
  kernelName: MultiStepLIF,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    multiStepLIF(
      inputs as MultiStepLIFInputs,
      backend as BackendWasm,
      attrs as unknown as NeuronAttrs & NeuronOutputs,
    ),
};

export const multiStepLIFGradConfig: KernelConfig = {
  kernelName: MultiStepLIFGrad,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    multiStepLIFGrad(
      inputs as MultiStepLIFGradInputs,
      backend as BackendWasm,
      attrs as unknown as NeuronAttrs,
    ),
};
