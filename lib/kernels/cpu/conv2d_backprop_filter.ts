/**
 * The filter gradient of a convolution on the cpu backend, where tfjs's kernel takes minutes for a convolution that
 * runs forward in a second.
 */
import {
  backend_util,
  type KernelConfig,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs';
import { areFinite, type CpuKernelArgs, output, values } from './backend';

interface Inputs extends NamedTensorInfoMap {
  x: TensorInfo;
  dy: TensorInfo;
}

interface Attrs {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: [number, number, number, number];
}

/** An activation read as NHWC: where a pixel starts, and the distance between its channels. */
function layout([, a, b, c]: number[], channelsLast: boolean) {
  const [height, width, channels] = (channelsLast ? [a, b, c] : [b, c, a]) as [
    number,
    number,
    number,
  ];
  const size = height * width;
  return channelsLast
    ? { pixel: (n: number, y: number, x: number) => (n * size + y * width + x) * channels, step: 1 }
    : {
        pixel: (n: number, y: number, x: number) => n * size * channels + y * width + x,
        step: size,
      };
}

/** dw[i, j] = sum over pixels of x[pixel + (i, j)] outer dy[pixel]. Zeros of x, as most spikes are, cost nothing. */
function conv2DBackpropFilter({ inputs, attrs, backend }: CpuKernelArgs<Inputs, Attrs>) {
  const { strides, pad, dimRoundingMode, filterShape, dataFormat } = attrs;
  const format = backend_util.convertConv2DDataFormat(dataFormat);
  const xShape = inputs.x.shape as [number, number, number, number];
  const conv = backend_util.computeConv2DInfo(
    xShape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
    false,
    format,
  );
  const x = values(backend, inputs.x);
  const dy = values(backend, inputs.dy);
  const xAt = layout(inputs.x.shape, format === 'channelsLast');
  const dyAt = layout(inputs.dy.shape, format === 'channelsLast');
  const skipsZeros = areFinite(dy);
  const { inChannels, outChannels, padInfo } = conv;
  const dw = new Float64Array(filterShape.reduce((a, b) => a * b, 1));
  for (let b = 0; b < conv.batchSize; b++) {
    for (let oy = 0; oy < conv.outHeight; oy++) {
      for (let ox = 0; ox < conv.outWidth; ox++) {
        const from = dyAt.pixel(b, oy, ox);
        for (let i = 0; i < conv.filterHeight; i++) {
          const iy = oy * conv.strideHeight + i - padInfo.top;
          if (iy < 0 || iy >= conv.inHeight) continue;
          for (let j = 0; j < conv.filterWidth; j++) {
            const ix = ox * conv.strideWidth + j - padInfo.left;
            if (ix < 0 || ix >= conv.inWidth) continue;
            const source = xAt.pixel(b, iy, ix);
            for (let c = 0; c < inChannels; c++) {
              const value = x[source + c * xAt.step]!;
              if (value === 0 && skipsZeros) continue;
              const row = ((i * conv.filterWidth + j) * inChannels + c) * outChannels;
              for (let o = 0; o < outChannels; o++)
                dw[row + o]! += value * dy[from + o * dyAt.step]!;
            }
          }
        }
      }
    }
  }
  return output(backend, Float32Array.from(dw), filterShape);
}

/** Replaces tfjs's kernel of that name. */
export const conv2DBackpropFilterOverride: KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'cpu',
  kernelFunc: conv2DBackpropFilter as unknown as KernelFunc,
};
