/**
 * Convolutions with stride 1 on wasm, from packed pixels: XNNPACK's are a little slower, and pack the filter again in
 * every training step.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { backend_util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { checkFloat32, type Heap, isThreaded, pointer, withHeap } from './backend';
import { canReplaceDense, type ListedSizes, productSizes, sumListed } from './listed_sums';
import { multiply } from './mat_mul';
import { kernelsOf } from './module';
import { runStock } from './stock';
import { CACHED, roundUp, SPILL } from './tiles';

export type Shape4D = [number, number, number, number];
export type ConvInfo = ReturnType<typeof backend_util.computeConv2DInfo>;

export interface ConvAttrs {
  strides: number | [number, number];
  dilations?: number | [number, number];
  pad: Parameters<typeof backend_util.computeConv2DInfo>[4];
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Sizes, strides and padding of a channels-last convolution. */
export function describeConv(
  xShape: number[],
  filterShape: number[],
  attrs: ConvAttrs,
  depthwise = false,
): ConvInfo {
  return backend_util.computeConv2DInfo(
    xShape as Shape4D,
    filterShape as Shape4D,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    'channelsLast',
  );
}

/** Whether it is one matrix product: pixels times channels. */
export function isPointwise(info: ConvInfo): boolean {
  const { padInfo } = info;
  return (
    info.filterHeight * info.filterWidth * info.strideHeight * info.strideWidth === 1 &&
    padInfo.top + padInfo.bottom + padInfo.left + padInfo.right === 0
  );
}

/** A convolution with stride 1 over pixels that are `spread` apart, with zeros between them. */
export interface DirectConv {
  batch: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  filterHeight: number;
  filterWidth: number;
  spreadHeight: number;
  spreadWidth: number;
  padTop: number;
  padLeft: number;
}

/** Runs one into `out`; `pack` writes the filter's panels to an address. */
export function convDirect(
  backend: BackendWasm,
  heap: Heap,
  conv: DirectConv,
  x: TensorInfo,
  out: TensorInfo,
  pack: (to: number) => void,
): void {
  const { channels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = conv;
  const rowLength = channels * (roundUp(outWidth, 4) + filterWidth - 1);
  const cachedRows = Math.floor(CACHED / rowLength) - filterHeight + 1;
  const rows = Math.max(1, Math.min(outHeight, cachedRows));
  const filterLength = roundUp(outChannels, 8) * filterHeight * filterWidth * channels;
  const scratch = heap.scratch(SPILL + filterLength + (rows + filterHeight - 1) * rowLength);
  const spill = pointer(backend, scratch);
  const filter = spill + 4 * SPILL;
  pack(filter);
  kernelsOf(backend).convDirect(
    pointer(backend, x),
    filter,
    pointer(backend, out),
    conv.batch,
    conv.height,
    conv.width,
    channels,
    outHeight,
    outWidth,
    outChannels,
    filterHeight,
    filterWidth,
    conv.spreadHeight,
    conv.spreadWidth,
    conv.padTop,
    conv.padLeft,
    rows,
    filter + 4 * filterLength,
    spill,
  );
}

/** A convolution with stride 1 into `out`, zeros and all. */
export function convolve(
  backend: BackendWasm,
  heap: Heap,
  info: ConvInfo,
  x: TensorInfo,
  filter: TensorInfo,
  out: TensorInfo,
): void {
  const { inChannels, outChannels, filterHeight, filterWidth } = info;
  if (isPointwise(info)) {
    const pixels = info.batchSize * info.inHeight * info.inWidth;
    multiply(backend, heap, { m: pixels, n: outChannels, k: inChannels }, x, filter, out);
    return;
  }
  const conv = {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels,
    filterHeight,
    filterWidth,
    spreadHeight: 1,
    spreadWidth: 1,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
  convDirect(backend, heap, conv, x, out, (to) =>
    kernelsOf(backend).convPackForward(
      pointer(backend, filter),
      filterHeight * filterWidth,
      inChannels,
      outChannels,
      to,
    ),
  );
}

/** The sizes of a convolution that can skip zeros and adds to the same bits as the dense one; else nothing. */
function listedSizes(info: ConvInfo): ListedSizes | undefined {
  const { batchSize, inHeight, inWidth, inChannels, outChannels, padInfo } = info;
  if (isPointwise(info)) {
    const pixels = batchSize * inHeight * inWidth;
    return productSizes(pixels, inChannels, outChannels);
  }
  const size = info.filterHeight;
  const isSame = [padInfo.top, padInfo.bottom, padInfo.left, padInfo.right].every(
    (pad) => pad === (size - 1) / 2,
  );
  if (!isSame || info.filterWidth !== size) return undefined;
  const image = { batch: batchSize, height: inHeight, width: inWidth };
  return { ...image, channels: inChannels, size, filters: outChannels };
}

function forward(
  { x, filter }: { x: TensorInfo; filter: TensorInfo },
  backend: BackendWasm,
  info: ConvInfo,
): TensorInfo {
  checkFloat32('Conv2D', { x, filter });
  return withHeap(backend, (heap) => {
    const out = heap.output(info.outShape);
    const sizes = listedSizes(info);
    const isListed =
      sizes !== undefined &&
      canReplaceDense(backend, x, sizes) &&
      sumListed(backend, heap, sizes, x, filter, out);
    if (!isListed) convolve(backend, heap, info, x, filter, out);
    return out;
  });
}

export const conv2DOverride: KernelConfig = {
  kernelName: 'Conv2D',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const operands = inputs as { x: TensorInfo; filter: TensorInfo };
    const convAttrs = attrs as unknown as ConvAttrs;
    if (convAttrs.dataFormat !== 'NCHW' && !isThreaded(backend as BackendWasm)) {
      const info = describeConv(operands.x.shape, operands.filter.shape, convAttrs);
      const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
      if (strideHeight * strideWidth * dilationHeight * dilationWidth === 1) {
        return forward(operands, backend as BackendWasm, info);
      }
    }
    return runStock('Conv2D', operands, backend as BackendWasm, convAttrs);
  },
};
