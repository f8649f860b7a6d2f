/** SpikeConv2D on the cpu backend: sums in float64, skipping every zero that does not hide a NaN. */
import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs';
import { convSizes, SpikeConv2D, type SpikeConv2DInputs } from '../spike_conv2d';
import { areFinite, type CpuKernelArgs, output, values } from './backend';

function spikeConv2D({ inputs, backend }: CpuKernelArgs<SpikeConv2DInputs, object>) {
  const { batch, height, width, channels, size, filters } = convSizes(inputs);
  const [x, filter] = [values(backend, inputs.x), values(backend, inputs.filter)];
  const [scale, shift] = [values(backend, inputs.scale), values(backend, inputs.shift)];
  const skipsZeros = areFinite(filter);
  const padding = (size - 1) / 2;
  const y = new Float32Array(batch * height * width * filters);
  const sums = new Float64Array(filters);

  /** Adds the contribution of the pixel at `from` through one tap of the filter, whose first row is `row`. */
  const addPixel = (from: number, row: number) => {
    for (let c = 0; c < channels; c++) {
      const value = x[from + c]!;
      if (value === 0 && skipsZeros) continue;
      const weights = (row + c) * filters;
      for (let o = 0; o < filters; o++) sums[o]! += value * filter[weights + o]!;
    }
  };

  for (let to = 0, pixel = 0; to < y.length; to += filters, pixel++) {
    const column = pixel % width;
    const line = Math.floor(pixel / width) % height;
    sums.fill(0);
    for (let i = 0; i < size; i++) {
      const dy = i - padding;
      if (line + dy < 0 || line + dy >= height) continue;
      for (let j = 0; j < size; j++) {
        const dx = j - padding;
        if (column + dx < 0 || column + dx >= width) continue;
        addPixel((pixel + dy * width + dx) * channels, (i * size + j) * channels);
      }
    }
    for (let o = 0; o < filters; o++) y[to + o] = sums[o]! * scale[o]! + shift[o]!;
  }
  return output(backend, y, [...inputs.x.shape.slice(0, -1), filters]);
}

export const spikeConv2DConfig: KernelConfig = {
  kernelName: SpikeConv2D,
  backendName: 'cpu',
  kernelFunc: spikeConv2D as unknown as KernelFunc,
};
