/** The gradients of a convolution on wasm: tfjs lacks the filter's, and computes the input's one number at a time. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { checkFloat32, isThreaded, pointer, withHeap } from './backend';
import {
  type ConvAttrs,
  type ConvInfo,
  convDirect,
  describeConv,
  isPointwise,
  type Shape4D,
} from './conv2d';
import { multiply, transposedMultiply } from './mat_mul';
import { kernelsOf } from './module';
import { isWorthSkipping, sparseFilterGradient } from './sparse';
import { runStock } from './stock';
import { CACHED, roundUp, SPILL } from './tiles';
import { isWorthWinograd, winograd } from './winograd';

/** How many images, and how many of their output rows, are packed at once, and the memory for that. */
function filterGradientBlock(info: ConvInfo) {
  const paddedWidth = (info.outWidth - 1) * info.strideWidth + info.filterWidth;
  const inLanes = roundUp(info.inChannels, 4);
  const outLanes = roundUp(info.outChannels, 8);
  const sizeX = (rows: number) =>
    inLanes * ((rows - 1) * info.strideHeight + info.filterHeight) * paddedWidth;
  const sizeDy = (rows: number) => outLanes * rows * info.outWidth;
  // Whole images if they fit, several if they are small, else as many rows of one as fit.
  let rows = info.outHeight;
  while (rows > 1 && sizeX(rows) + sizeDy(rows) > CACHED) rows = Math.ceil(rows / 2);
  const fitting = Math.floor(CACHED / (sizeX(rows) + sizeDy(rows)));
  const images = rows < info.outHeight ? 1 : Math.max(1, Math.min(info.batchSize, fitting));
  return { rows, images, lengthX: images * sizeX(rows), lengthDy: images * sizeDy(rows) };
}

function filterGradient(
  { x, dy }: { x: TensorInfo; dy: TensorInfo },
  backend: BackendWasm,
  attrs: ConvAttrs & { filterShape: Shape4D },
): TensorInfo {
  checkFloat32('Conv2DBackpropFilter', { x, dy });
  if (attrs.dataFormat === 'NCHW') {
    throw new Error(`Conv2DBackpropFilter: dataFormat must be 'NHWC' on wasm, but got 'NCHW'`);
  }
  const info = describeConv(x.shape, attrs.filterShape, attrs);
  return withHeap(backend, (heap) => {
    const dw = heap.output(attrs.filterShape);
    const pixels = info.batchSize * info.inHeight * info.inWidth;
    if (isPointwise(info)) {
      transposedMultiply(backend, heap, info.inChannels, info.outChannels, pixels, x, dy, dw);
      return dw;
    }
    if (
      info.strideHeight * info.strideWidth === 1 &&
      isWorthSkipping(backend, x, dy, info.outChannels)
    ) {
      const { batchSize: batch, inHeight: height, inWidth: width, padInfo } = info;
      const sizes = { ...info, batch, height, width, padTop: padInfo.top, padLeft: padInfo.left };
      sparseFilterGradient(backend, heap, sizes, x, dy, dw);
      return dw;
    }
    const { rows, images, lengthX, lengthDy } = filterGradientBlock(info);
    const spill = pointer(backend, heap.scratch(SPILL + lengthX + lengthDy));
    const packedX = spill + 4 * SPILL;
    kernelsOf(backend).convFilterGrad(
      pointer(backend, x),
      pointer(backend, dy),
      pointer(backend, dw),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      info.inChannels,
      info.outHeight,
      info.outWidth,
      info.outChannels,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
      images,
      rows,
      packedX,
      packedX + 4 * lengthX,
      spill,
    );
    return dw;
  });
}

function inputGradient(
  { dy, filter }: { dy: TensorInfo; filter: TensorInfo },
  backend: BackendWasm,
  attrs: ConvAttrs & { inputShape: Shape4D },
): TensorInfo {
  checkFloat32('Conv2DBackpropInput', { dy, filter });
  const info = describeConv(attrs.inputShape, filter.shape, attrs);
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  return withHeap(backend, (heap) => {
    const dx = heap.output(attrs.inputShape);
    if (isPointwise(info)) {
      const m = info.batchSize * info.inHeight * info.inWidth;
      const sizes = { m, n: inChannels, k: outChannels, transposeB: true };
      multiply(backend, heap, sizes, dy, filter, dx);
      return dx;
    }
    const conv = {
      batch: info.batchSize,
      height: info.outHeight,
      width: info.outWidth,
      channels: outChannels,
      outHeight: info.inHeight,
      outWidth: info.inWidth,
      outChannels: inChannels,
      filterHeight,
      filterWidth,
      spreadHeight: info.strideHeight,
      spreadWidth: info.strideWidth,
      padTop: filterHeight - 1 - info.padInfo.top,
      padLeft: filterWidth - 1 - info.padInfo.left,
    };
    if (isWorthWinograd(conv) && winograd(backend, heap, conv, dy, filter, dx)) return dx;
    convDirect(backend, heap, conv, dy, dx, (to) =>
      kernelsOf(backend).convPackFlipped(
        pointer(backend, filter),
        filterHeight * filterWidth,
        inChannels,
        outChannels,
        to,
      ),
    );
    return dx;
  });
}

/** The same by XNNPACK, which has threads; ours has none. Only for a stride of 1. */
export function threadedInputGradient(
  { dy, filter }: { dy: TensorInfo; filter: TensorInfo },
  backend: BackendWasm,
  attrs: ConvAttrs & { inputShape: Shape4D },
): TensorInfo {
  const { padInfo, filterHeight, filterWidth } = describeConv(
    attrs.inputShape,
    filter.shape,
    attrs,
  );
  const pad = [
    [0, 0],
    [filterHeight - 1 - padInfo.top, filterHeight - 1 - padInfo.bottom],
    [filterWidth - 1 - padInfo.left, filterWidth - 1 - padInfo.right],
    [0, 0],
  ];
  const flipped = runStock('Reverse', { x: filter }, backend, { dims: [0, 1] });
  const exchanged = runStock('Transpose', { x: flipped }, backend, { perm: [0, 1, 3, 2] });
  backend.disposeData(flipped.dataId);
  try {
    const convAttrs = { strides: 1, dilations: 1, pad, dataFormat: 'NHWC' };
    return runStock('Conv2D', { x: dy, filter: exchanged }, backend, convAttrs);
  } finally {
    backend.disposeData(exchanged.dataId);
  }
}

/** Whether XNNPACK can compute it: otherwise its padding would be negative. */
function suitsXnnpack(info: ConvInfo): boolean {
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth } = info;
  return (
    strideHeight * strideWidth === 1 &&
    Math.max(padInfo.top, padInfo.bottom) < filterHeight &&
    Math.max(padInfo.left, padInfo.right) < filterWidth
  );
}

export const conv2DBackpropFilterOverride: KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    filterGradient(
      inputs as { x: TensorInfo; dy: TensorInfo },
      backend as BackendWasm,
      attrs as unknown as ConvAttrs & { filterShape: Shape4D },
    ),
};

export const conv2DBackpropInputOverride: KernelConfig = {
  kernelName: 'Conv2DBackpropInput',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const inputs = args.inputs as { dy: TensorInfo; filter: TensorInfo };
    const backend = args.backend as BackendWasm;
    const attrs = args.attrs as unknown as ConvAttrs & { inputShape: Shape4D };
    if (attrs.dataFormat === 'NCHW') return runStock('Conv2DBackpropInput', inputs, backend, attrs);
    if (
      isThreaded(backend) &&
      suitsXnnpack(describeConv(attrs.inputShape, inputs.filter.shape, attrs))
    ) {
      return threadedInputGradient(inputs, backend, attrs);
    }
    return inputGradient(inputs, backend, attrs);
  },
};
