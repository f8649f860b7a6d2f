/**
 * The gradient of a 3x3 convolution's input by Winograd's F(4 x 4, 3 x 3) (arXiv 1509.09308): a quarter of the products.
 * It rounds about as a direct sum does, but in another order, so that forward passes do not use it: a spike depends on
 * the last bit.
 */
import type { TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { type Heap, pointer, scratchOf } from './backend';
import type { DirectConv } from './conv2d';
import { kernelsOf } from './module';
import { areFinite } from './sparse';
import { productBlocks } from './tiles';

/** Tiles that are transformed together: many enough for their products to be worth packing the filter. */
const TILES = 128;
const POINTS = 36;
/** Numbers between the matrices of two points, lest all begin at the same place in the caches. */
const APART = 16;

const tilesOf = ({ batch, outHeight, outWidth }: DirectConv) =>
  batch * Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);

/** Whether the products that it saves outweigh the transforms. */
export function isWorthWinograd(conv: DirectConv): boolean {
  const { filterHeight, filterWidth, spreadHeight, spreadWidth, channels, outChannels } = conv;
  if (filterHeight !== 3 || filterWidth !== 3 || spreadHeight * spreadWidth !== 1) return false;
  const tiles = tilesOf(conv);
  const saved = (conv.batch * conv.outHeight * conv.outWidth * 9) / (POINTS * tiles);
  return Math.min(channels, outChannels) >= 16 && tiles >= 16 && saved >= 1.5;
}

/**
 * dx into `out` from dy, for such a convolution. Returns false if a number of dx is not finite: the direct sum then
 * shows where it comes from.
 */
export function winograd(
  backend: BackendWasm,
  heap: Heap,
  conv: DirectConv,
  dy: TensorInfo,
  filter: TensorInfo,
  out: TensorInfo,
): boolean {
  const { channels, outChannels } = conv;
  const tiles = Math.min(TILES, tilesOf(conv));
  const blocks = productBlocks(tiles, outChannels, channels);
  const vStep = tiles * channels + APART;
  const mStep = tiles * outChannels + APART;
  const lengths = {
    panels: POINTS * channels * outChannels,
    v: POINTS * vStep,
    m: POINTS * mStep,
    outside: Math.max(channels, outChannels),
    pixels: POINTS,
    buffer: POINTS * 4,
    scratch: blocks.length,
  };
  const at = scratchOf(backend, heap, lengths);
  const kernels = kernelsOf(backend);
  kernels.winogradFilter(pointer(backend, filter), channels * outChannels, at.panels, at.buffer);
  kernels.winogradConv(
    pointer(backend, dy),
    at.panels,
    pointer(backend, out),
    conv.batch,
    conv.height,
    conv.width,
    channels,
    conv.outHeight,
    conv.outWidth,
    outChannels,
    conv.padTop,
    conv.padLeft,
    tiles,
    at.v,
    4 * vStep,
    at.m,
    4 * mStep,
    at.outside,
    at.pixels,
    at.buffer,
    at.scratch,
    blocks.blockM,
    blocks.blockN,
    blocks.blockK,
  );
  return areFinite(backend, out);
}
