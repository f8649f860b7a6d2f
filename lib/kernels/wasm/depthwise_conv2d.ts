/**
 * Depthwise convolutions on wasm, and their gradients, which tfjs lacks there. A channel with several filters becomes
 * as many copies with one filter each.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { checkFloat32, type Heap, isThreaded, pointer, withHeap } from './backend';
import { type ConvAttrs, type ConvInfo, describeConv, type Shape4D } from './conv2d';
import { kernelsOf } from './module';
import { runStock } from './stock';
import { CACHED, roundUp } from './tiles';

/**
 * How many channels of an image are packed at once: whole vectors, at least 16 channels, and more while they stay
 * cached.
 */
function groupOf(channels: number, pixels: number): number {
  return Math.min(roundUp(channels, 4), Math.max(16, Math.floor(CACHED / pixels / 4) * 4));
}

/** The address of x with each channel repeated once per filter: a copy if there are several. */
function repeatChannels(backend: BackendWasm, heap: Heap, x: TensorInfo, info: ConvInfo): number {
  const from = pointer(backend, x);
  const count = info.filterShape[3];
  if (count === 1) return from;
  const size = util.sizeFromShape(x.shape);
  const to = pointer(backend, heap.scratch(size * count));
  kernelsOf(backend).copyStrided(from, to, 1, 1, size, count, 1, 0, 0, 4, 0);
  return to;
}

/**
 * From address to address, the convolution that takes x to y or, backward, dy to dx, both with one channel per filter.
 * Backward, the filter is flipped, and the stride spreads the pixels of dy apart.
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
  const group = groupOf(outChannels, rows * columns);
  const taps = filterHeight * filterWidth;
  const panels = pointer(
    backend,
    heap.scratch(taps * roundUp(outChannels, 8) + group * rows * columns),
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
    group,
    panels + 4 * taps * roundUp(outChannels, 8),
  );
}

interface Attrs extends ConvAttrs {
  inputShape?: Shape4D;
  filterShape?: Shape4D;
}

/** The kernel of that name: `run` returns its output. */
function depthwise(
  kernelName: string,
  run: (
    inputs: Record<string, TensorInfo>,
    backend: BackendWasm,
    heap: Heap,
    info: ConvInfo,
  ) => TensorInfo,
): KernelConfig {
  const kernelFunc: KernelConfig['kernelFunc'] = (args) => {
    const inputs = args.inputs as Record<string, TensorInfo>;
    const backend = args.backend as BackendWasm;
    const attrs = args.attrs as unknown as Attrs;
    const { inputShape = inputs.x.shape, filterShape = inputs.filter.shape } = attrs;
    const info = describeConv(inputShape, filterShape, attrs, true);
    // XNNPACK has dilations and threads, but no gradients.
    const isDilated = info.dilationHeight * info.dilationWidth > 1;
    if (isDilated || (isThreaded(backend) && !inputs.dy)) {
      return runStock(kernelName, inputs, backend, attrs);
    }
    checkFloat32(kernelName, inputs);
    return withHeap(backend, (heap) => run(inputs, backend, heap, info));
  };
  return { kernelName, backendName: 'wasm', kernelFunc };
}

export const depthwiseOverrides: KernelConfig[] = [
  depthwise('DepthwiseConv2dNative', ({ x, filter }, backend, heap, info) => {
    const y = heap.output(info.outShape);
    const repeated = repeatChannels(backend, heap, x, info);
    convolve(backend, heap, info, false, repeated, filter, pointer(backend, y));
    return y;
  }),

  depthwise('DepthwiseConv2dNativeBackpropInput', ({ dy, filter }, backend, heap, info) => {
    const dx = heap.output(info.inShape);
    const size = util.sizeFromShape(info.inShape);
    const count = info.filterShape[3];
    const each = count === 1 ? dx : heap.scratch(size * count);
    convolve(backend, heap, info, true, pointer(backend, dy), filter, pointer(backend, each));
    if (count > 1) {
      kernelsOf(backend).sumTrailing(pointer(backend, each), pointer(backend, dx), size, count, 1);
    }
    return dx;
  }),

  depthwise('DepthwiseConv2dNativeBackpropFilter', ({ x, dy }, backend, heap, info) => {
    const { outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth } = info;
    const rows = (outHeight - 1) * strideHeight + filterHeight;
    const columns = (outWidth - 1) * strideWidth + filterWidth;
    const pixels = rows * columns + outHeight * outWidth;
    const group = groupOf(info.outChannels, pixels);
    const dw = heap.output(info.filterShape);
    const scratch = heap.scratch(group * pixels);
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
      group,
      pointer(backend, scratch),
    );
    return dw;
  }),
];
