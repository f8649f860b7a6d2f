/**
 * SpikeConv2D on wasm: sums the filter's rows whose input is not zero or, if few inputs are zero, all of them. Both add
 * in the same order, to the same bits: the result of a sample never depends on the others in its batch.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { SpikeConv2D, type SpikeConv2DInputs } from '../spike_conv2d';
import { checkFloat32, type Heap, pointer, withHeap } from './backend';
import { convolve, describeConv } from './conv2d';
import { BLOCK_K } from './mat_mul';
import { kernelsOf } from './module';
import { areFinite } from './sparse';
import { roundUp } from './tiles';

/** Output channels that are summed together. */
const STRIP = 32;
/** Filter rows whose strips, 32 KiB, fit the L1 cache. */
const CHUNK = 256;
/** Pixels whose strips of sums are processed together. */
const PIXELS = 512;
/** Above this share of non-zeros, estimated from the first of them, the dense sum is faster. */
const DENSITY = 0.6;
const JUDGED = 1 << 16;
/** The most float32 numbers that the lists of a block may take if nothing is zero. */
const LISTS = 1 << 20;

interface Sizes {
  batch: number;
  height: number;
  width: number;
  channels: number;
  size: number;
  filters: number;
}

/** The convolution's sizes; a linear map is one image with a single column of pixels. */
function sizesOf({ x, filter }: SpikeConv2DInputs): Sizes {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [size, , , filters] = filter.shape as [number, number, number, number];
  return size === 1
    ? { batch: 1, height: batch * height * width, width: 1, channels, size, filters }
    : { batch, height, width, channels, size, filters };
}

/** The number of image rows per block. */
function blockRows({ height, width, channels, size }: Sizes): number {
  const listed = Math.floor(LISTS / (2 * width * size * channels)) - size + 1;
  return Math.max(1, Math.min(height, Math.floor(PIXELS / width), listed));
}

function sumListed(
  backend: BackendWasm,
  heap: Heap,
  sizes: Sizes,
  { x, filter, scale, shift }: SpikeConv2DInputs,
  y: TensorInfo,
): void {
  const { batch, height, width, channels, size, filters } = sizes;
  const taps = Math.max(1, Math.min(size, Math.floor(CHUNK / channels)));
  const slice = Math.min(channels, CHUNK);
  const chunks = Math.ceil(size / taps) * Math.ceil(channels / slice);
  const rows = blockRows(sizes);
  const bordered = (rows + size - 1) * width;
  const filterRows = size * size * channels;
  const scratch = (length: number) => pointer(backend, heap.scratch(length));
  const panels = scratch(filterRows * roundUp(filters, STRIP));
  const starts = scratch(bordered * chunks + 1);
  const lists = scratch(bordered * size * channels * 2);
  const sums = scratch(rows * width * STRIP);
  const flag = scratch(1);
  const { spikeConv, spikeConvPack } = kernelsOf(backend);
  spikeConvPack(pointer(backend, filter), filterRows, filters, panels);
  spikeConv(
    pointer(backend, x),
    panels,
    pointer(backend, scale),
    pointer(backend, shift),
    pointer(backend, y),
    batch,
    height,
    width,
    channels,
    filters,
    size,
    size,
    taps,
    slice,
    rows,
    starts,
    lists,
    sums,
    flag,
  );
}

/**
 * Whether to take the dense sum: it is faster, and adds in the same order; or a zero of x would hide NaN; or there are
 * no channels to list.
 */
function isDense(backend: BackendWasm, { x, filter }: SpikeConv2DInputs): boolean {
  const [size, , channels] = filter.shape;
  if (channels === 0 || !areFinite(backend, filter)) return true;
  if (size === 1 && channels! > BLOCK_K) return false;
  const judged = Math.min(util.sizeFromShape(x.shape), JUDGED);
  return kernelsOf(backend).countNonZero(pointer(backend, x), judged) > DENSITY * judged;
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
    else sumListed(backend, heap, sizesOf(inputs), inputs, y);
    return y;
  });
}

export const spikeConv2DConfig: KernelConfig = {
  kernelName: SpikeConv2D,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend }) =>
    spikeConv2D(inputs as SpikeConv2DInputs, backend as BackendWasm),
};
