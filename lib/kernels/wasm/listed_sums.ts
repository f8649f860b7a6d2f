/**
 * Convolutions and matrix products of inputs that are mostly zero, as spikes are: sums only the filter's rows whose
 * input is not zero. In each sum the others follow each other as in the dense one, and a zero adds nothing, so that the
 * bits are the same, and a sample's result never depends on the others in its batch.
 */
import type { TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { type Heap, heapView, pointer, scratchOf } from './backend';
import { kernelsOf } from './module';
import { countNonZero, spikeInput } from './spike_storage';
import { BLOCK_K, roundUp } from './tiles';

/** Output channels that are summed together. */
const STRIP = 32;
/** Filter rows whose strips, 32 KiB, fit the L1 cache, and a block of a dense product, whose sums are the same. */
const CHUNK = BLOCK_K;
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

/** Whether enough of x is zero for listing to be faster. */
export function isSparse(backend: BackendWasm, x: TensorInfo): boolean {
  const judged = Math.min(util.sizeFromShape(x.shape), JUDGED);
  return countNonZero(backend, x, judged) <= DENSITY * judged;
}

/** Whether to list in a dense kernel's place, whose tiles are narrower: also if there are enough output channels. */
export function canReplaceDense(
  backend: BackendWasm,
  x: TensorInfo,
  { channels, filters }: ListedSizes,
): boolean {
  return channels > 0 && filters >= STRIP / 2 && isSparse(backend, x);
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

/**
 * y = scale * (x * filter) + shift; without an affine map, of scale 1 and shift 0. Returns false, and leaves y as it
 * is, if the filter is not finite: 0 times NaN or infinity is NaN, which a zero of x would hide.
 */
export function sumListed(
  backend: BackendWasm,
  heap: Heap,
  sizes: ListedSizes,
  x: TensorInfo,
  filter: TensorInfo,
  y: TensorInfo,
  affine?: { scale: TensorInfo; shift: TensorInfo },
): boolean {
  const { batch, height, width, channels, size, filters } = sizes;
  const taps = Math.max(1, Math.min(size, Math.floor(CHUNK / channels)));
  const slice = Math.min(channels, CHUNK);
  const chunks = Math.ceil(size / taps) * Math.ceil(channels / slice);
  const rows = blockRows(sizes);
  const bordered = (rows + size - 1) * width;
  const filterRows = size * size * channels;
  const lengths = {
    panels: filterRows * roundUp(filters, STRIP),
    sums: rows * width * STRIP,
    lists: bordered * size * channels * 2,
    starts: bordered * chunks + 1,
    flag: 1,
  };
  const { panels, sums, lists, starts, flag } = scratchOf(backend, heap, lengths);
  const { spikeConv, spikeConvPack } = kernelsOf(backend);
  if (!spikeConvPack(pointer(backend, filter), filterRows, filters, panels)) return false;
  const scale = affine ? pointer(backend, affine.scale) : constants(backend, heap, 1, filters);
  const shift = affine ? pointer(backend, affine.shift) : constants(backend, heap, 0, filters);
  const { at, packed } = spikeInput(backend, x, channels);
  spikeConv(
    at,
    packed,
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
  return true;
}
