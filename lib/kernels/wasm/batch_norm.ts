/** BatchNormTraining and its gradient on wasm: statistics in one precise pass, then one to apply them. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import {
  type BatchNormAttrs,
  type BatchNormGradInputs,
  type BatchNormInputs,
  BatchNormTraining,
  BatchNormTrainingGrad,
} from '../batch_norm';
import { checkFloat32, type Heap, heapView, pointer, withHeap } from './backend';
import { kernelsOf } from './module';

/** Rows whose mean is the first estimate of the mean. */
const SAMPLED_ROWS = 64;

/** Elements, channels, and the smallest multiple of the channels that fills whole vectors. */
function layout(shape: number[]): { total: number; channels: number; period: number } {
  const total = util.sizeFromShape(shape);
  const channels = shape[shape.length - 1];
  const period = channels % 4 === 0 ? channels : channels % 2 === 0 ? 2 * channels : 4 * channels;
  return { total, channels, period };
}

/** Per-channel vectors for the module: period float32 numbers each, repeating value(channel). */
function vectors(
  backend: BackendWasm,
  heap: Heap,
  channels: number,
  period: number,
  ...values: ((channel: number) => number)[]
): number[] {
  const memory = heap.scratch(period * values.length);
  const view = heapView(backend, memory);
  values.forEach((value, j) => {
    for (let i = 0; i < period; i++)
      view[j * period + i] = i < channels ? value(i) : view[j * period + i - channels];
  });
  return values.map((_, j) => pointer(backend, memory) + j * period * 4);
}

/** Two float64 sums per channel, from a pass of the module that adds to [period] of each. */
function sums(
  backend: BackendWasm,
  heap: Heap,
  channels: number,
  period: number,
  pass: (first: number, second: number) => void,
): [Float64Array, Float64Array] {
  const memory = heap.scratch(4 * period);
  heapView(backend, memory).fill(0);
  const at = pointer(backend, memory);
  pass(at, at + 8 * period);
  const parts = new Float64Array(heapView(backend, memory).slice().buffer);
  const first = new Float64Array(channels);
  const second = new Float64Array(channels);
  for (let i = 0; i < period; i++) {
    first[i % channels] += parts[i];
    second[i % channels] += parts[period + i];
  }
  return [first, second];
}

function sampleMean(x: Float32Array, channels: number): Float64Array {
  const rows = x.length / channels;
  const count = Math.min(rows, SAMPLED_ROWS);
  const mean = new Float64Array(channels);
  for (let i = 0; i < count; i++) {
    const start = Math.floor((i * rows) / count) * channels;
    for (let c = 0; c < channels; c++) mean[c] += x[start + c] / count;
  }
  return mean;
}

/**
 * Mean and biased variance of every channel. Sums are of x - shift, with a shift near the mean, so that nothing
 * cancels. If the estimate was far off, a second pass uses the mean itself.
 */
function moments(
  backend: BackendWasm,
  heap: Heap,
  x: TensorInfo,
): { mean: Float64Array; variance: Float64Array } {
  const { total, channels, period } = layout(x.shape);
  const rows = total / channels;
  let mean = sampleMean(heapView(backend, x), channels);
  for (let again = false; ; again = true) {
    // With an infinite shift, nothing but NaN would be left.
    const shift = mean.map((m) => (Number.isFinite(m) ? m : 0));
    const [at] = vectors(backend, heap, channels, period, (c) => shift[c]);
    const [sum, squares] = sums(backend, heap, channels, period, (first, second) =>
      kernelsOf(backend).batchNormSums(pointer(backend, x), total, period, at, first, second),
    );
    const variance = new Float64Array(channels);
    mean = new Float64Array(channels);
    let far = false;
    for (let c = 0; c < channels; c++) {
      const offset = sum[c] / rows;
      variance[c] = Math.max(0, squares[c] / rows - offset * offset);
      mean[c] = Math.fround(shift[c]) + offset;
      far ||= offset * offset > 4 * variance[c];
    }
    if (!far || again) return { mean, variance };
  }
}

function batchNormTraining(
  { x, gamma, beta }: BatchNormInputs,
  backend: BackendWasm,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  checkFloat32(BatchNormTraining, { x, gamma, beta });
  const { total, channels, period } = layout(x.shape);
  return withHeap(backend, (heap) => {
    const outputs = [x.shape, [channels], [channels]].map((shape) => heap.output(shape));
    const [y, mean, variance] = outputs;
    const computed = moments(backend, heap, x);
    heapView(backend, mean).set(computed.mean);
    heapView(backend, variance).set(computed.variance);
    const g = heapView(backend, gamma).slice();
    const b = heapView(backend, beta).slice();
    const [means, scales, betas] = vectors(
      backend,
      heap,
      channels,
      period,
      (c) => computed.mean[c],
      (c) => g[c] / Math.sqrt(computed.variance[c] + epsilon),
      (c) => b[c],
    );
    kernelsOf(backend).batchNormApply(
      pointer(backend, x),
      pointer(backend, y),
      total,
      period,
      means,
      scales,
      betas,
    );
    return outputs;
  });
}

/** dx = gamma rstd (dy - mean(dy) - xhat mean(dy xhat)), dgamma = sum(dy xhat), dbeta = sum(dy). */
function batchNormTrainingGrad(
  { dy, x, gamma, mean, variance }: BatchNormGradInputs,
  backend: BackendWasm,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  checkFloat32(BatchNormTrainingGrad, { dy, x, gamma, mean, variance });
  const { total, channels, period } = layout(x.shape);
  const rows = total / channels;
  return withHeap(backend, (heap) => {
    const outputs = [x.shape, [channels], [channels]].map((shape) => heap.output(shape));
    const [dx, dgamma, dbeta] = outputs;
    const m = heapView(backend, mean).slice();
    const [means] = vectors(backend, heap, channels, period, (c) => m[c]);
    const [sumDy, products] = sums(backend, heap, channels, period, (first, second) =>
      kernelsOf(backend).batchNormGradSums(
        pointer(backend, x),
        pointer(backend, dy),
        total,
        period,
        means,
        first,
        second,
      ),
    );
    const rstd = Float64Array.from(heapView(backend, variance), (v) => 1 / Math.sqrt(v + epsilon));
    const scale = Float64Array.from(heapView(backend, gamma), (g, c) => g * rstd[c]);
    heapView(backend, dgamma).set(products.map((p, c) => p * rstd[c]));
    heapView(backend, dbeta).set(sumDy);
    const [a, b, c0] = vectors(
      backend,
      heap,
      channels,
      period,
      (c) => scale[c],
      (c) => (-scale[c] * rstd[c] * rstd[c] * products[c]) / rows,
      (c) => (-scale[c] * sumDy[c]) / rows,
    );
    kernelsOf(backend).batchNormGradApply(
      pointer(backend, x),
      pointer(backend, dy),
      pointer(backend, dx),
      total,
      period,
      means,
      a,
      b,
      c0,
    );
    return outputs;
  });
}

export const batchNormTrainingConfig: KernelConfig = {
  kernelName: BatchNormTraining,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    batchNormTraining(
      inputs as BatchNormInputs,
      backend as BackendWasm,
      attrs as unknown as BatchNormAttrs,
    ),
};

export const batchNormTrainingGradConfig: KernelConfig = {
  kernelName: BatchNormTrainingGrad,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    batchNormTrainingGrad(
      inputs as BatchNormGradInputs,
      backend as BackendWasm,
      attrs as unknown as BatchNormAttrs,
    ),
};
