/** Layers as NIR nodes: what each class becomes, channels turned first. */
import * as tf from '@tensorflow/tfjs';
import type { KernelBN } from '../../layers/kernel_bn';
import type { Numbers } from './_hdf5';
import type { NirNeuron } from './_neuron';
import { below, channelsFirst } from './_parameters';
import type { NirElementwise, NirPadding, NirPool } from './_plain';
import { type NodeTree, nirNeuronNode, ownNeuronNode, parameter } from './_write_neuron';
import { NirError } from './nir_error';

/** What the layers before one leave it to do. */
export interface Pending {
  /** Zeros around an image, which NIR has in its convolutions. */
  padding?: number[];
  /** The sizes `[height, width, channels]` that were flattened in that order, which NIR has not. */
  flattened?: number[];
}

/** What a layer becomes: a node, or null if it does nothing; and what it leaves to do. */
export interface Written {
  node: NodeTree | null;
  pending?: Pending;
}

/** `shape` is the input's, without batch and time. */
type Write = (layer: tf.layers.Layer, shape: number[], dt: number, pending: Pending) => Written;

const whole = (data: number[], shape = [data.length]): Numbers => ({
  shape,
  data: Float64Array.from(data),
  dtype: 'int64',
});

const numbers = (x: tf.Tensor): Numbers => ({ shape: x.shape, data: x.dataSync() });

/** The numbers of a new tensor. */
function computed(make: () => tf.Tensor): Numbers {
  const x = tf.tidy(make);
  const result = numbers(x);
  x.dispose();
  return result;
}
const turned = (x: tf.Tensor, order: number[]) => computed(() => x.transpose(order));

function refuse(layer: tf.layers.Layer, why: string): NirError {
  return new NirError(
    `Layer ${layer.name} (${layer.getClassName()}) cannot be written to NIR: ${why}`,
  );
}

function checkLinear(layer: tf.layers.Layer): void {
  const { activation = 'linear' } = layer.getConfig();
  if (activation !== 'linear')
    throw refuse(layer, `its activation is '${activation}', and NIR has none`);
}

/** A kernel `[in, out]`, its rows in the order of what was flattened before. */
function linearNode(kernel: tf.Tensor, bias: tf.Tensor | null, { flattened }: Pending): NodeTree {
  const weight = computed(() => {
    const [inputs, units] = kernel.shape as [number, number];
    if (!flattened) return kernel.transpose();
    const rows = kernel.reshape([...flattened, units]);
    const order = [...channelsFirst([...flattened.keys()]), flattened.length];
    return rows.transpose(order).reshape([inputs, units]).transpose();
  });
  return bias ? { type: 'Affine', weight, bias: numbers(bias) } : { type: 'Linear', weight };
}

const dense: Write = (layer, shape, _, pending) => {
  checkLinear(layer);
  if (shape.length !== 1)
    throw refuse(layer, `it takes [${shape}], and NIR's linear maps one axis`);
  const [kernel, bias = null] = layer.getWeights();
  return { node: linearNode(kernel!, bias, pending) };
};

interface ConvOptions {
  stride: number[];
  dilation: number[];
  padding: Numbers | string;
}

/** A kernel `[..., in, out]`, or, depthwise, `[height, width, channels, multiplier]`. */
function convNode(
  kernel: tf.Tensor,
  bias: tf.Tensor | null,
  shape: number[],
  { stride, dilation, padding }: ConvOptions,
  depthwise = false,
): NodeTree {
  const sides = kernel.rank - 2;
  const [channels, filters] = kernel.shape.slice(-2) as [number, number];
  const axes = [...Array(sides).keys()];
  const weight = depthwise
    ? turned(kernel, [sides, sides + 1, ...axes])
    : turned(kernel, [sides + 1, sides, ...axes]);
  const outputs = depthwise ? channels * filters : filters;
  if (depthwise) weight.shape = [outputs, 1, ...weight.shape.slice(2)];
  return {
    type: `Conv${sides}d`,
    input_shape: whole(shape.slice(0, -1), sides === 1 ? [] : undefined),
    weight,
    bias: bias ? numbers(bias) : { shape: [outputs], data: new Float32Array(outputs) },
    stride: whole(stride, sides === 1 ? [] : undefined),
    dilation: whole(dilation, sides === 1 ? [] : undefined),
    padding,
    groups: whole([depthwise ? channels : 1], []),
  };
}

const conv =
  (depthwise: boolean): Write =>
  (layer, shape, _, pending) => {
    checkLinear(layer);
    const config = layer.getConfig() as unknown as {
      strides: number[];
      dilationRate: number[];
      padding: string;
      dataFormat?: string;
    };
    const list = (value: number | number[], count: number) =>
      Array.isArray(value) ? value : Array<number>(count).fill(value);
    const [kernel, bias = null] = layer.getWeights();
    const sides = kernel!.rank - 2;
    const [stride, dilation] = [list(config.strides, sides), list(config.dilationRate, sides)];
    const same = config.padding === 'same';
    if (
      (!same && config.padding !== 'valid') ||
      (config.dataFormat ?? 'channelsLast') !== 'channelsLast'
    ) {
      throw refuse(layer, 'its padding must be valid or same, and its channels last');
    }
    if (same && (pending.padding || stride.some((n) => n !== 1))) {
      throw refuse(layer, "its padding 'same' is at stride 1 and by itself only what NIR has");
    }
    const zeros = pending.padding ?? Array<number>(sides).fill(0);
    const padding = same ? 'same' : whole(zeros, sides === 1 ? [] : undefined);
    const sizes = shape.map((n, axis) => n - 2 * (pending.padding?.[axis] ?? 0));
    return { node: convNode(kernel!, bias, sizes, { stride, dilation, padding }, depthwise) };
  };

/** ConvBN and LinearBN, the batch norm made one with the weights, if it is not already. */
const kernelBN: Write = (layer, shape, _, pending) => {
  const { strides = 1, fused } = layer.getConfig() as { strides?: number; fused?: boolean };
  const own = fused ? [] : (layer as KernelBN).fusedWeights();
  const [kernel, bias] = (fused ? layer.getWeights() : own) as [tf.Tensor, tf.Tensor];
  try {
    if (kernel.rank === 2) {
      if (shape.length !== 1)
        throw refuse(layer, `it takes [${shape}], and NIR's linear maps one axis`);
      return { node: linearNode(kernel, bias, pending) };
    }
    const side = kernel.shape[0]!;
    const padding = whole([(side - 1) / 2, (side - 1) / 2]);
    const options = { stride: [strides, strides], dilation: [1, 1], padding };
    // A depthwise kernel is [side, side, 1, channels]: one filter for all of one channel, and NIR's groups are those.
    const groups = layer.getClassName() === 'DepthwiseConvBN' ? kernel.shape[3]! : 1;
    const node = convNode(kernel, bias, shape, options);
    return { node: { ...node, groups: whole([groups], []) } };
  } finally {
    tf.dispose(own);
  }
};

const neuron: Write = (layer, shape, dt, { flattened }) => ({
  node: ownNeuronNode(layer, shape, dt),
  pending: { flattened }, // All of its neurons are alike, in any order.
});

const nothing: Write = (layer, _, __, pending) => {
  checkLinear(layer);
  return { node: null, pending };
};

const flattenNode = (shape: number[]): NodeTree => ({
  type: 'Flatten',
  start_dim: whole([0], []),
  end_dim: whole([-1], []),
  input_type: whole(channelsFirst(shape)),
});

const writers: Readonly<Record<string, Write>> = {
  Activation: nothing,
  AveragePooling2D(layer) {
    const { poolSize, strides, padding } = layer.getConfig() as Record<string, number[] | string>;
    if (padding !== 'valid') throw refuse(layer, "its padding must be 'valid'");
    const sizes = { kernel_size: whole(poolSize as number[]), stride: whole(strides as number[]) };
    return { node: { type: 'AvgPool2d', ...sizes, padding: whole([0, 0]) } };
  },
  Conv1D: conv(false),
  Conv2D: conv(false),
  ConvBN: kernelBN,
  Dense: dense,
  DepthwiseConv2D: conv(true),
  DepthwiseConvBN: kernelBN,
  Dropout: nothing,
  Flatten: (_, shape) => ({
    node: flattenNode(shape),
    pending: shape.length > 1 ? { flattened: shape } : {},
  }),
  IFNode: neuron,
  LIFNode: neuron,
  LinearBN: kernelBN,
  NirElementwise(layer, shape, dt) {
    const { type } = layer as NirElementwise;
    const [weight] = layer.getWeights();
    const convert = { scale: undefined, threshold: below, delay: (steps: number) => steps * dt };
    const name = type[0]!.toUpperCase() + type.slice(1);
    return { node: { type: name, [type]: parameter(weight!, shape, convert[type]) } };
  },
  NirFlatten: (_, shape) => ({ node: flattenNode(shape) }),
  NirNeuron: (layer, shape, dt) => ({ node: nirNeuronNode(layer as NirNeuron, shape, dt) }),
  NirPadding: (layer) => ({ node: null, pending: { padding: (layer as NirPadding).padding } }),
  NirPool(layer) {
    const { poolSize, strides, padding, average } = (layer as NirPool).options;
    const [kernel_size, stride] = [whole(poolSize), whole(strides)];
    const type = average ? 'AvgPool2d' : 'SumPool2d';
    return { node: { type, kernel_size, stride, padding: whole(padding) } };
  },
  ParametricLIFNode: neuron,
};

/** Classes that take the padding, and those that take numbers in the order in which they were flattened. */
const takesPadding = ['Conv1D', 'Conv2D', 'DepthwiseConv2D'];
const takesFlattened = [
  'Dense',
  'LinearBN',
  'LIFNode',
  'IFNode',
  'ParametricLIFNode',
  'Activation',
  'Dropout',
];

/** What one layer that is made of no others becomes. @throws NirError naming it, if NIR has no node for it */
export const writeLayer: Write = (layer, shape, dt, pending) => {
  const className = layer.getClassName();
  const write = Object.hasOwn(writers, className) ? writers[className] : undefined;
  if (!write) throw refuse(layer, 'NIR has no node for it');
  if (pending.padding && !takesPadding.includes(className)) {
    throw refuse(layer, 'zeros are padded before it, which NIR has in convolutions alone');
  }
  if (pending.flattened && !takesFlattened.includes(className)) {
    throw refuse(layer, 'it takes numbers flattened with channels last, which NIR has first');
  }
  return write(layer, shape, dt, pending);
};
