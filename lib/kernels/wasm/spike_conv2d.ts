/** SpikeConv2D on wasm: sums the filter's rows whose input is not zero or, if few inputs are zero, all of them. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { SpikeConv2D, type SpikeConv2DInputs } from '../spike_conv2d';
import { checkFloat32, type Heap, pointer, withHeap } from './backend';
import { convolve, describeConv } from './conv2d';
import { isWorthListing, type ListedSizes, productSizes, sumListed } from './listed_sums';
import { BLOCK_K } from './mat_mul';
import { kernelsOf } from './module';
import { areFinite } from './sparse';

function sizesOf({ x, filter }: SpikeConv2DInputs): ListedSizes {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [size, , , filters] = filter.shape as [number, number, number, number];
  return size === 1
    ? productSizes(batch * height * width, channels, filters)
    : { batch, height, width, channels, size, filters };
}

/**
 * Whether to take the dense sum: it is faster, and adds in the same order; or a zero of x would hide NaN; or there are
 * no channels to list.
 */
function isDense(backend: BackendWasm, { x, filter }: SpikeConv2DInputs): boolean {
  const [size, , channels] = filter.shape;
  if (channels === 0) return true;
  if (size === 1 && channels! > BLOCK_K) return !areFinite(backend, filter);
  return !isWorthListing(backend, x, filter);
}

function sumAll(
  backend: BackendWasm,
  heap: Heap,
  { x, filter, scale, shift }: SpikeConv2DInputs,
  y: TensorInfo,
): void {
  const info = describeConv(x.shape, filter.shape, { strides: 1, pad: 'same' });
  convolve(backend, heap, info, x, filter, y);
  const sums = pointer(backend, y);
  const filters = info.outChannels;
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
  const { x, filter, scale, shift } = inputs;
  checkFloat32(SpikeConv2D, { x, filter, scale, shift });
  return withHeap(backend, (heap) => {
    const y = heap.output([...x.shape.slice(0, 3), filter.shape[3]!]);
    if (isDense(backend, inputs)) sumAll(backend, heap, inputs, y);
    else sumListed(backend, heap, sizesOf(inputs), x, filter, y, { scale, shift });
    return y;
  });
}

export const spikeConv2DConfig: KernelConfig = {
  kernelName: SpikeConv2D,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend }) =>
    spikeConv2D(inputs as SpikeConv2DInputs, backend as BackendWasm),
};
