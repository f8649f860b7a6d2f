/**
 * Depthwise convolutions on wasm, and their gradients, which tfjs lacks there. A channel of several
 * filters is as many copies of it with one each.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { checkFloat32, type Heap, isThreaded, pointer, withHeap } from './backend';
import { type ConvAttrs, type ConvInfo, describeConv, type Shape4D } from './conv2d';
import { kernelsOf } from './module';
import { runStock } from './stock';
import { roundUp } from './tiles';

/** The address of x with each of its channels as often as that has filters: of a copy, if it is several. */
function repeatChannels(backend: BackendWasm, heap: Heap, x: TensorInfo, info: ConvInfo): number {
  const from = pointer(backend, x);
  if (info.outChannels === info.inChannels) return from;
  const size = util.sizeFromShape(x.shape);
  const count = info.outChannels / info.inChannels;
  const to = pointer(backend, heap.scratch(size * count));
  kernelsOf(backend).copyStrided(from, to, 1, 1, size, count, 1, 0, 0, 4, 0);
  return to;
}

/**
 * From address to address, the convolution that takes x to y or, backward, the one that takes dy to dx,
 * each of as many channels as filters: the filter is flipped, and the stride spreads the pixels of dy apart.
 */
function convolve(
  backend: BackendWasm,
  heap: Heap,
  info: ConvInfo,
  backward: boolean,
  x: number,
  filter: TensorInfo,
  y: number,
): void {
  const { outChannels, filterHeight, filterWidth, padInfo } = info;
  const input = [info.inHeight, info.inWidth];
  const output = [info.outHeight, info.outWidth];
  const strides = [info.strideHeight, info.strideWidth];
  const [from, to] = backward ? [output, input] : [input, output];
  const [steps, spreads] = backward ? [[1, 1], strides] : [strides, [1, 1]];
  const pads = backward
    ? [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left]
    : [padInfo.top, padInfo.left];
  const rows = (to[0] - 1) * steps[0] + filterHeight;
  const columns = (roundUp(to[1], 4) - 1) * steps[1] + filterWidth;
  const taps = filterHeight * filterWidth;
  const panels = pointer(
    backend,
    heap.scratch(taps * roundUp(outChannels, 8) + 16 * rows * columns),
  );
  const { convPackFlipped, convPackForward, depthwiseConv } = kernelsOf(backend);
  if (backward) convPackFlipped(pointer(backend, filter), taps, outChannels, 1, panels);
  else convPackForward(pointer(backend, filter), taps, 1, outChannels, panels);
  depthwiseConv(
    x,
    panels,
    y,
    info.batchSize,
    outChannels,
    ...from,
    ...to,
    filterHeight,
    filterWidth,
    ...steps,
    ...spreads,
    ...pads,
    panels + 4 * taps * roundUp(outChannels, 8),
  );
}

export const depthwiseConv2dOverride: KernelConfig = {
  kernelName: 'DepthwiseConv2dNative',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x, filter } = args.inputs as { x: TensorInfo; filter: TensorInfo };
    const backend = args.backend as BackendWasm;
    const attrs = args.attrs as unknown as ConvAttrs;
    const info = describeConv(x.shape, filter.shape, attrs, true);
    if (isThreaded(backend) || info.dilationHeight * info.dilationWidth > 1) {
      return runStock('DepthwiseConv2dNative', { x, filter }, backend, attrs);
    }
    checkFloat32('DepthwiseConv2dNative', { x, filter });
    return withHeap(backend, (heap) => {
      const y = heap.output(info.outShape);
      const repeated = repeatChannels(backend, heap, x, info);
      convolve(backend, heap, info, false, repeated, filter, pointer(backend, y));
      return y;
    });
  },
};

export const depthwiseConv2dBackpropInputOverride: KernelConfig = {
  kernelName: 'DepthwiseConv2dNativeBackpropInput',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { dy, filter } = args.inputs as { dy: TensorInfo; filter: TensorInfo };
    const backend = args.backend as BackendWasm;
    const attrs = args.attrs as unknown as ConvAttrs & { inputShape: Shape4D };
    checkFloat32('DepthwiseConv2dNativeBackpropInput', { dy, filter });
    const info = describeConv(attrs.inputShape, filter.shape, attrs, true);
    return withHeap(backend, (heap) => {
      const dx = heap.output(attrs.inputShape);
      const to = pointer(backend, dx);
      const from = pointer(backend, dy);
      if (info.inChannels === info.outChannels) {
        convolve(backend, heap, info, true, from, filter, to);
        return dx;
      }
      const size = util.sizeFromShape(attrs.inputShape);
      const count = info.outChannels / info.inChannels;
      const each = pointer(backend, heap.scratch(size * count));
      convolve(backend, heap, info, true, from, filter, each);
      kernelsOf(backend).sumTrailing(each, to, size, count, 1);
      return dx;
    });
  },
};

export const depthwiseConv2dBackpropFilterOverride: KernelConfig = {
  kernelName: 'DepthwiseConv2dNativeBackpropFilter',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x, dy } = args.inputs as { x: TensorInfo; dy: TensorInfo };
    const backend = args.backend as BackendWasm;
    const attrs = args.attrs as unknown as ConvAttrs & { filterShape: Shape4D };
    checkFloat32('DepthwiseConv2dNativeBackpropFilter', { x, dy });
    const info = describeConv(x.shape, attrs.filterShape, attrs, true);
    const { outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth } = info;
    const rows = (outHeight - 1) * strideHeight + filterHeight;
    const columns = (outWidth - 1) * strideWidth + filterWidth;
    return withHeap(backend, (heap) => {
      const dw = heap.output(attrs.filterShape);
      const scratch = heap.scratch(16 * (rows * columns + outHeight * outWidth));
      kernelsOf(backend).depthwiseFilterGrad(
        repeatChannels(backend, heap, x, info),
        pointer(backend, dy),
        pointer(backend, dw),
        info.batchSize,
        info.outChannels,
        info.inHeight,
        info.inWidth,
        outHeight,
        outWidth,
        filterHeight,
        filterWidth,
        strideHeight,
        strideWidth,
        info.padInfo.top,
        info.padInfo.left,
        pointer(backend, scratch),
      );
      return dw;
    });
  },
};
