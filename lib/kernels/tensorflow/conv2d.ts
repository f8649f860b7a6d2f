/**
 * Convolutions on tfjs-node: TensorFlow's kernels, with all attributes of their ops, since tfjs-node refuses numeric
 * padding although TensorFlow supports it. If the input is mostly zero, our ops; gradients of inputs by Winograd's
 * algorithm, or in bfloat16, if the trainer asks for it.
 */
import * as tf from '@tensorflow/tfjs';
import { gradientsInBfloat16 } from '../../gradient_precision';
import type { TensorflowBackend } from '../../tfjs_internals';
import { kernel, opAttrs } from './backend';
import { runInBfloat16 } from './bfloat16';
import { mayBeWorthSkipping, skippingConv, skippingFilterGradient } from './spikes';
import { isWorthWinograd, winogradInputGradient } from './winograd';

/** Attributes that tfjs gives to all three kernels. */
interface ConvAttrs {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | [number, number][];
  dataFormat: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4D = [number, number, number, number];

function describeConv(
  inputShape: number[],
  filterShape: number[],
  { strides, pad, dataFormat, dilations = 1, dimRoundingMode }: ConvAttrs,
) {
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations,
    pad as number,
    dimRoundingMode,
    false,
    tf.backend_util.convertConv2DDataFormat(dataFormat),
  );
}
type ConvInfo = ReturnType<typeof describeConv>;

/** Whether our ops support this convolution: stride 1, output of the input's size. */
function isPlain(info: ConvInfo, { dataFormat }: ConvAttrs): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  return (
    dataFormat === 'NHWC' &&
    filterHeight === filterWidth &&
    filterHeight % 2 === 1 &&
    info.dilationHeight * info.dilationWidth * strideHeight * strideWidth === 1 &&
    info.inHeight === info.outHeight &&
    info.inWidth === info.outWidth &&
    padInfo.top === padInfo.bottom &&
    padInfo.left === padInfo.right
  );
}

/** With numeric padding, TensorFlow would also round its sums. */
function isRounded(name: string, { padInfo }: ConvInfo): boolean {
  const inNumbers = padInfo.type !== 'VALID' && padInfo.type !== 'SAME';
  return name === tf.Conv2DBackpropInput && !inNumbers && gradientsInBfloat16();
}

function convAttrs(
  backend: TensorflowBackend,
  info: ConvInfo,
  { dataFormat }: ConvAttrs,
  type: number,
) {
  const { type: padding, top, bottom, left, right } = info.padInfo;
  const inNumbers = padding !== 'VALID' && padding !== 'SAME';
  const perAxis = (batch: number[], height: number[], width: number[], channels: number[]) =>
    (dataFormat === 'NHWC'
      ? [batch, height, width, channels]
      : [batch, channels, height, width]
    ).flat();
  return opAttrs(backend, {
    ints: {
      strides: perAxis([1], [info.strideHeight], [info.strideWidth], [1]),
      dilations: perAxis([1], [info.dilationHeight], [info.dilationWidth], [1]),
      ...(inNumbers && {
        explicit_paddings: perAxis([0, 0], [top, bottom], [left, right], [0, 0]),
      }),
    },
    bools: { use_cudnn_on_gpu: true },
    strings: { padding: inNumbers ? 'EXPLICIT' : padding, data_format: dataFormat },
    types: { T: type },
  });
}

const override = <Inputs extends Record<string, tf.TensorInfo>, More = object>(
  name: string,
  shapes: (inputs: Inputs, more: More) => [input: number[], filter: number[]],
  opInputs: (inputs: Inputs, more: More) => tf.TensorInfo[],
  skipping?: (inputs: Inputs, backend: TensorflowBackend, info: ConvInfo) => tf.Tensor | null,
) =>
  kernel<Inputs, ConvAttrs & More>(name, (inputs, backend, attrs) => {
    const info = describeConv(...shapes(inputs, attrs), attrs);
    // TensorFlow would give the result of no images the shape of the images.
    if (name === tf.Conv2D && info.batchSize === 0) return tf.zeros(info.outShape);
    const skipped = isPlain(info, attrs) ? skipping?.(inputs, backend, info) : null;
    if (skipped) return skipped;
    const attrsOf = (type: number) => convAttrs(backend, info, attrs, type);
    const given = opInputs(inputs, attrs);
    if (isRounded(name, info)) {
      return runInBfloat16(backend, name, attrsOf, given);
    }
    return backend.executeMultipleOutputs(name, attrsOf(backend.binding.TF_FLOAT), given, 1)[0]!;
  });

const shapeTensor = (shape: number[]) => tf.tensor1d(shape, 'int32');
type Named<Names extends string> = Record<Names, tf.TensorInfo>;

export const conv2DOverrides: tf.KernelConfig[] = [
  override<Named<'x' | 'filter'>>(
    tf.Conv2D,
    ({ x, filter }) => [x.shape, filter.shape],
    ({ x, filter }) => [x, filter],
    ({ x, filter }, backend, { outChannels, filterHeight }) =>
      mayBeWorthSkipping(x, outChannels, filterHeight) ? skippingConv(backend, x, filter).y : null,
  ),
  override<Named<'x' | 'dy'>, { filterShape: number[] }>(
    tf.Conv2DBackpropFilter,
    ({ x }, { filterShape }) => [x.shape, filterShape],
    ({ x, dy }, { filterShape }) => [x, shapeTensor(filterShape), dy],
    ({ x, dy }, backend, { outChannels, filterHeight, filterShape }) =>
      mayBeWorthSkipping(x, outChannels, filterHeight)
        ? skippingFilterGradient(backend, x, dy, filterShape)
        : null,
  ),
  override<Named<'dy' | 'filter'>, { inputShape: number[] }>(
    tf.Conv2DBackpropInput,
    ({ filter }, { inputShape }) => [inputShape, filter.shape],
    ({ dy, filter }, { inputShape }) => [shapeTensor(inputShape), filter, dy],
    ({ dy, filter }, backend) =>
      !gradientsInBfloat16() && isWorthWinograd(dy.shape, filter.shape)
        ? winogradInputGradient(backend, dy, filter)
        : null,
  ),
];
