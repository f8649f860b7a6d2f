/** The gradient of a filter or a weight matrix whose input is mostly zero, as spikes are. */
import type { TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { type Heap, pointer } from './backend';
import { kernelsOf } from './module';
import { countNonZero, spikeInput } from './spike_storage';

/** Above this share of non-zeros, skipping costs more than it saves. */
const DENSITY = 0.5;
/** Channels of dy that are summed together. */
const STRIP = 32;
/** Pixels of dy, with padding, whose strips fit the L1 cache. */
const CACHED_PIXELS = 320;

/** A convolution with stride 1, or a matrix product: height rows of width 1, and a 1x1 filter. */
export interface SparseSizes {
  batch: number;
  height: number;
  width: number;
  inChannels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  filterHeight: number;
  filterWidth: number;
  padTop: number;
  padLeft: number;
}

/** out [m, n] = aT b, with a [k, m] and b [k, n], as such a convolution. */
export function transposedProduct(m: number, n: number, k: number): SparseSizes {
  const pixels = { batch: 1, height: k, width: 1, outHeight: k, outWidth: 1 };
  const filter = { filterHeight: 1, filterWidth: 1, padTop: 0, padLeft: 0 };
  return { ...pixels, ...filter, inChannels: m, outChannels: n };
}

/** Whether no number is NaN or infinite. If one is, zeros must not be skipped: 0 times it is NaN. */
export function areFinite(backend: BackendWasm, x: TensorInfo): boolean {
  return kernelsOf(backend).areFinite(pointer(backend, x), util.sizeFromShape(x.shape)) === 1;
}

/** Whether `sparseFilterGradient` is correct here, and faster: x has enough zeros, and dy enough channels. */
export function isWorthSkipping(
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  outChannels: number,
): boolean {
  const length = util.sizeFromShape(x.shape);
  if (outChannels < STRIP / 2 || length === 0) return false;
  return countNonZero(backend, x, length) < DENSITY * length && areFinite(backend, dy);
}

/** dw = sum x dy, over the non-zeros of x only. */
export function sparseFilterGradient(
  backend: BackendWasm,
  heap: Heap,
  sizes: SparseSizes,
  x: TensorInfo,
  dy: TensorInfo,
  dw: TensorInfo,
): void {
  const { batch, height, width, inChannels, filterHeight, filterWidth } = sizes;
  const pixels = (rows: number) => (rows + filterHeight - 1) * (width + filterWidth - 1);
  const rows = Math.max(
    1,
    Math.min(height, Math.floor(CACHED_PIXELS / (width + filterWidth - 1)) - filterHeight + 1),
  );
  const images = rows < height ? 1 : Math.min(batch, Math.ceil(CACHED_PIXELS / 2 / pixels(rows)));
  const capacity = images * rows * width + 1;
  const lists = pointer(backend, heap.scratch(inChannels * capacity * 2));
  const panel = pointer(backend, heap.scratch(STRIP * (images * pixels(rows) + 1)));
  const ends = pointer(backend, heap.scratch(inChannels + 2));
  const { at, packed } = spikeInput(backend, x, inChannels);
  kernelsOf(backend).sparseFilterGrad(
    at,
    packed,
    pointer(backend, dy),
    pointer(backend, dw),
    batch,
    height,
    width,
    inChannels,
    sizes.outHeight,
    sizes.outWidth,
    sizes.outChannels,
    filterHeight,
    filterWidth,
    filterHeight - 1 - sizes.padTop,
    filterWidth - 1 - sizes.padLeft,
    images,
    rows,
    lists,
    capacity,
    ends,
    panel + 4 * STRIP,
    panel,
  );
}
