/** SpikeConv2D on wasm: sums the filter's rows whose input is not zero or, if few inputs are zero, all of them. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { convSizes, SpikeConv2D, type SpikeConv2DInputs } from '../spike_conv2d';
import { checkFloat32, type Heap, pointer, withHeap } from './backend';
import { convolve, describeConv } from './conv2d';
import { isSparse, type ListedSizes, sumListed } from './listed_sums';
import { kernelsOf } from './module';

/** Sums over the non-zeros, unless the dense sum is faster, to the same bits. Returns whether it did. */
function skipZeros(
  backend: BackendWasm,
  heap: Heap,
  inputs: SpikeConv2DInputs,
  y: TensorInfo,
): boolean {
  const { x, filter } = inputs;
  const sizes: ListedSizes = convSizes(inputs);
  if (sizes.channels === 0 || !isSparse(backend, x)) return false;
  return sumListed(backend, heap, sizes, x, filter, y, inputs);
}

function sumAll(backend: BackendWasm, heap: Heap, inputs: SpikeConv2DInputs, y: TensorInfo): void {
  const { x, filter, scale, shift } = inputs;
  const { batch, height, width, channels, size, filters } = convSizes(inputs);
  const images = [batch, height, width, channels];
  const info = describeConv(images, [size, size, channels, filters], { strides: 1, pad: 'same' });
  convolve(backend, heap, info, x, filter, y);
  const sums = pointer(backend, y);
  kernelsOf(backend).scaleAndShift(
    sums,
    filters * 4,
    util.sizeFromShape(y.shape) / filters,
    filters,
    pointer(backend, scale),
    pointer(backend, shift),
    sums,
    filters * 4,
  );
}

function spikeConv2D(inputs: SpikeConv2DInputs, backend: BackendWasm): TensorInfo {
  checkFloat32(SpikeConv2D, inputs);
  return withHeap(backend, (heap) => {
    const y = heap.output([...inputs.x.shape.slice(0, -1), inputs.filter.shape.at(-1)!]);
    if (!skipZeros(backend, heap, inputs, y)) sumAll(backend, heap, inputs, y);
    return y;
  });
}

export const spikeConv2DConfig: KernelConfig = {
  kernelName: SpikeConv2D,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend }) =>
    spikeConv2D(inputs as SpikeConv2DInputs, backend as BackendWasm),
};
