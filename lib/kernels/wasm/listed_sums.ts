/**
 * Convolutions and matrix products of inputs that are mostly zero, as spikes are: sums only the filter's rows whose
 * input is not zero. In each sum the others follow each other as in the dense one, and a zero adds nothing, so that the
 * bits are the same, and a sample's result never depends on the others in its batch.
 */
import type { TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { type Heap, heapView, pointer } from './backend';
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

/** A convolution with stride 1, padding 'same' and an odd size. */
export interface ListedSizes {
  batch: number;
  height: number;
  width: number;
  channels: number;
  size: number;
  filters: number;
}

/** rows [rows, channels] times a matrix [channels, filters], as one image with a single column of pixels. */
export function productSizes(rows: number, channels: number, filters: number): ListedSizes {
  return { batch: 1, height: rows, width: 1, channels, size: 1, filters };
}

/** Whether to list: most of x is zero, and no zero of x hides a NaN, which 0 times infinity or NaN is. */
export function isWorthListing(backend: BackendWasm, x: TensorInfo, filter: TensorInfo): boolean {
  const judged = Math.min(util.sizeFromShape(x.shape), JUDGED);
  const nonZeros = kernelsOf(backend).countNonZero(pointer(backend, x), judged);
  return nonZeros <= DENSITY * judged && areFinite(backend, filter);
}

/** Whether to list in a dense kernel's place, whose tiles are narrower: also if there are enough output channels. */
export function canReplaceDense(
  backend: BackendWasm,
  x: TensorInfo,
  filter: TensorInfo,
  { channels, filters }: Pick<ListedSizes, 'channels' | 'filters'>,
): boolean {
  return channels > 0 && filters >= STRIP / 2 && isWorthListing(backend, x, filter);
}

/** The number of image rows per block. */
function blockRows({ height, width, channels, size }: ListedSizes): number {
  const listed = Math.floor(LISTS / (2 * width * size * channels)) - size + 1;
  return Math.max(1, Math.min(height, Math.floor(PIXELS / width), listed));
}

/** The address of so many equal numbers. */
function constants(backend: BackendWasm, heap: Heap, value: number, length: number): number {
  const numbers = heap.scratch(length);
  heapView(backend, numbers).fill(value);
  return pointer(backend, numbers);
}

/** y = scale * (x * filter) + shift; without an affine map, of scale 1 and shift 0. */
export function sumListed(
  backend: BackendWasm,
  heap: Heap,
  sizes: ListedSizes,
  x: TensorInfo,
  filter: TensorInfo,
  y: TensorInfo,
  affine?: { scale: TensorInfo; shift: TensorInfo },
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
  const scale = affine ? pointer(backend, affine.scale) : constants(backend, heap, 1, filters);
  const shift = affine ? pointer(backend, affine.shift) : constants(backend, heap, 0, filters);
  const { spikeConv, spikeConvPack } = kernelsOf(backend);
  spikeConvPack(pointer(backend, filter), filterRows, filters, panels);
  spikeConv(
    pointer(backend, x),
    panels,
    scale,
    shift,
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
