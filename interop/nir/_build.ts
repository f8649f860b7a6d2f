/** Which layers NIR's nodes become. NIR puts channels first, layers here last; parameters are turned on the way. */
import * as tf from '@tensorflow/tfjs';
import { chain } from '../../layers/chain';
import { foldTime } from '../../layers/fold_time';
import { buildNeuron, isNeuron } from './_build_neuron';
import { type NirNode, numbersOf, wholeNumbers } from './_graph';
import type { Numbers } from './_hdf5';
import { weightTensor } from './_parameters';
import { type ElementwiseType, NirElementwise, NirFlatten, NirPadding, NirPool } from './_plain';
import { NirError } from './nir_error';
import type { ReadOptions } from './options';

/** A layer, and its weights' values, which it takes when it is built. */
export interface Built {
  layer: tf.layers.Layer;
  weights: tf.Tensor[];
}

/** `shape` is the input's, `[..., channels]`, without batch and time. */
export type Build = (node: NirNode, shape: number[], options: ReadOptions) => Built;

const one: Numbers = { shape: [], data: Float64Array.of(1) };
const zero: Numbers = { shape: [], data: Float64Array.of(0) };

/** Of weights `[out, in, ...]` with a bias for each output, if the type has one. */
function kernelOf(node: NirNode, rank: number): { weight: Numbers; bias: Numbers | null } {
  const weight = numbersOf(node, 'weight');
  if (weight.shape.length !== rank) {
    throw new NirError(
      `weight of node ${node.name} (${node.type}) must have ${rank} axes, but its shape is [${weight.shape}]`,
    );
  }
  const bias = node.type === 'Linear' ? null : numbersOf(node, 'bias');
  if (bias && bias.data.length !== weight.shape[0]) {
    throw new NirError(
      `bias of node ${node.name} (${node.type}) must have ${weight.shape[0]} numbers, but has ${bias.data.length}`,
    );
  }
  return { weight, bias };
}

function checkChannels(node: NirNode, shape: number[], rank: number, channels: number): void {
  if (shape.length === rank && shape.at(-1) === channels) return;
  throw new NirError(
    `Node ${node.name} (${node.type}) must take ${channels} channels and ${rank - 1} axes beside them, but gets [${shape}], channels last`,
  );
}

const turned = ({ data, shape }: Numbers, order: number[]) =>
  tf.tidy(() => tf.tensor(Float32Array.from(data), shape).transpose(order));
const biasOf = ({ data }: Numbers) => tf.tensor1d(Float32Array.from(data));

/** Linear and Affine. */
const linear: Build = (node, shape) => {
  const { weight, bias } = kernelOf(node, 2);
  const [units, channels] = weight.shape as [number, number];
  checkChannels(node, shape, 1, channels);
  const layer = tf.layers.dense({ name: node.name, units, useBias: bias !== null });
  return { layer, weights: [turned(weight, [1, 0]), ...(bias ? [biasOf(bias)] : [])] };
};

/** Zeros around it, as numbers of them or PyTorch's 'same' and 'valid'. */
function paddingOf(node: NirNode, reach: number[]): number[] {
  const { padding } = node.parameters;
  if (padding === 'valid') return reach.map(() => 0);
  if (padding !== 'same') return wholeNumbers(node, 'padding', reach.length, zero);
  if (reach.some((n) => n % 2 !== 0)) {
    throw new NirError(
      `padding of node ${node.name} (${node.type}) must be numbers if its kernel is even, but is 'same'`,
    );
  }
  return reach.map((n) => n / 2);
}

/** Conv1d and Conv2d, of one group or of as many as channels. */
function convolution(sides: 1 | 2): Build {
  return (node, shape) => {
    const { weight, bias } = kernelOf(node, 2 + sides);
    const [filters, inGroup, ...kernelSize] = weight.shape as [number, number, ...number[]];
    const [groups] = wholeNumbers(node, 'groups', 1, one) as [number];
    checkChannels(node, shape, 1 + sides, inGroup * groups);
    const depthwise = sides === 2 && groups > 1 && inGroup === 1 && filters % groups === 0;
    if (groups !== 1 && !depthwise) {
      throw new NirError(
        `groups of node ${node.name} (${node.type}) must be 1, or in two dimensions the number of channels, but is ${groups}`,
      );
    }
    const strides = wholeNumbers(node, 'stride', sides, one);
    const dilationRate = wholeNumbers(node, 'dilation', sides, one);
    const padding = paddingOf(
      node,
      kernelSize.map((n, i) => (n - 1) * dilationRate[i]!),
    );
    const options = { name: 'conv', strides, dilationRate, useBias: true } as const;
    const size = kernelSize as [number, number];
    const map =
      sides === 1
        ? tf.layers.conv1d({
            ...options,
            filters,
            kernelSize,
            strides: strides[0]!,
            dilationRate: dilationRate[0]!,
          })
        : depthwise
          ? tf.layers.depthwiseConv2d({
              ...options,
              kernelSize: size,
              depthMultiplier: filters / groups,
            } as never)
          : tf.layers.conv2d({ ...options, filters, kernelSize: size } as never);
    const layers: tf.layers.Layer[] = [foldTime({ name: 'map', layer: map })];
    if (padding.some((n) => n > 0)) layers.unshift(new NirPadding({ name: 'padding', padding }));
    // A depthwise kernel is [height, width, channels, multiplier]: the filters of each channel lie together.
    const kernel = depthwise
      ? turned(
          { data: weight.data, shape: [groups, filters / groups, ...kernelSize] },
          [2, 3, 0, 1],
        )
      : turned(weight, [...kernelSize.map((_, i) => i + 2), 1, 0]);
    const layer = chain({ name: node.name, layers });
    return { layer, weights: [kernel, biasOf(bias!)] };
  };
}

const pool =
  (average: boolean): Build =>
  (node) => {
    const two = (key: string, fallback?: Numbers) =>
      wholeNumbers(node, key, 2, fallback) as [number, number];
    const poolSize = two('kernel_size');
    if (Math.min(...poolSize) < 1)
      throw new NirError(
        `kernel_size of node ${node.name} (${node.type}) must be positive, but got [${poolSize}]`,
      );
    const options = { poolSize, strides: two('stride'), padding: two('padding', zero), average };
    return { layer: new NirPool({ name: node.name, ...options }), weights: [] };
  };

/** Of all axes: others would have no channels. */
const flatten: Build = (node, shape) => {
  const index = (key: string, fallback: number) =>
    Number(numbersOf(node, key, { shape: [], data: [fallback] as never }).data[0]);
  const [start, end] = [index('start_dim', 0), index('end_dim', -1)];
  if (start !== 0 || (end !== -1 && end !== shape.length - 1)) {
    throw new NirError(
      `Node ${node.name} (Flatten) must flatten all axes, but got start_dim ${start}, end_dim ${end}`,
    );
  }
  return { layer: new NirFlatten({ name: node.name }), weights: [] };
};

/** What the numbers of such a node become. */
const conversions = {
  scale: () => undefined,
  threshold: () => 'above' as const,
  delay:
    ({ dt }: ReadOptions) =>
    (delay: number) =>
      Math.round(delay / dt),
};

const elementwise: Build = (node, shape, options) => {
  const type = node.type.toLowerCase() as ElementwiseType;
  const weight = weightTensor(node, type, shape, conversions[type](options));
  const layer = new NirElementwise({ name: node.name, type, shape: weight.shape });
  return { layer, weights: [weight] };
};

const nothing: Build = (node) => ({
  layer: tf.layers.activation({ name: node.name, activation: 'linear' }),
  weights: [],
});

const builders: Readonly<Record<string, Build>> = {
  Affine: linear,
  AvgPool2d: pool(true),
  Conv1d: convolution(1),
  Conv2d: convolution(2),
  Delay: elementwise,
  Flatten: flatten,
  Identity: nothing,
  Linear: linear,
  Output: nothing,
  Scale: elementwise,
  SumPool2d: pool(false),
  Threshold: elementwise,
};

/** The layer of a node whose input has that shape. */
export const build: Build = (node, shape, options) => {
  if (isNeuron(node.type)) return buildNeuron(node, shape, options);
  const builder = Object.hasOwn(builders, node.type) ? builders[node.type] : undefined;
  if (!builder)
    throw new NirError(`Node ${node.name} is of type ${node.type}, which has no layer here`);
  return builder(node, shape, options);
};
