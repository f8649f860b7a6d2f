/** What layers compute, as they report it: dense operations, and the neurons that gate them. */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../lib/validate';

/** A share of a layer's operations that runs only if neurons have fired. */
export interface GatedTerm {
  /** Share of the operations, from 0 to 1. */
  share: number;
  /** Names of the neuron layers inside that gate it. It runs at most at the lowest of their firing rates. */
  gates: string[];
}

/** One row of `countOperations`: one sample, all of its time steps. */
export interface Operations {
  kind: 'convolution' | 'linear' | 'attention' | 'neurons';
  /** Appended to the layer's path if the row is only a part of the layer, such as 'product'. */
  part?: string;
  /** Multiply-accumulates as if nothing were zero, plus one per output for a bias. */
  operations: number;
  /** The number of time steps at which it runs. */
  timeSteps: number;
  /** Output numbers over all time steps. */
  outputs: number;
  /** Numbers that training can change. */
  parameters: number;
  /** Default: the layer's input gates all of it. */
  terms?: GatedTerm[];
}

/** Rows and layers inside, in the order in which they run. */
export type OperationList = readonly (Operations | tf.layers.Layer)[];

export interface OperationOptions {
  /** Number of attention heads to count with, instead of the layer's. */
  attentionHeads?: number;
}

/** A layer that reports what it computes. */
export interface CountedLayer {
  operations(options: OperationOptions): OperationList;
}

export const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A built layer's output shape without the batch axis; every size must be known. */
export function outputSizes(layer: tf.layers.Layer): number[] {
  const sizes = (layer.outputShape as tf.Shape).slice(1);
  if (sizes.some((n) => n == null)) {
    throw invalid(`The shape of ${layer.name}`, 'known except for the batch, to count operations', [
      null,
      ...sizes,
    ]);
  }
  return sizes as number[];
}

/**
 * The row of a layer that multiplies by one kernel at that many time steps: outputs times the inputs of each, plus the
 * bias.
 */
export function mapOperations(
  layer: tf.layers.Layer,
  kind: 'convolution' | 'linear',
  timeSteps: number,
  outputs: number,
): Operations {
  const own = layer.weights.filter(({ originalName }) => /\/(kernel|bias)$/.test(originalName));
  const [kernel, bias] = own.map(({ shape }) => shape as number[]);
  return {
    kind,
    operations: outputs * (product(kernel!.slice(0, -1)) + (bias ? 1 : 0)),
    timeSteps,
    outputs,
    parameters: own.reduce((sum, { shape }) => sum + product(shape as number[]), 0),
  };
}

/** The tf.layers layers that multiply by a kernel. */
const stockKinds: Record<string, 'convolution' | 'linear'> = {
  Dense: 'linear',
  Conv2D: 'convolution',
};

/** Whether it is one of those; they report their inputs through tf.layers' call hook. */
export const isStockMap = (layer: tf.layers.Layer) =>
  Object.hasOwn(stockKinds, layer.getClassName());

/** What a tf.layers layer computes at each of that many time steps; null if unknown. */
export function stockOperations(layer: tf.layers.Layer, timeSteps = 1): Operations[] | null {
  const className = layer.getClassName();
  if (className === 'BatchNormalization') return [];
  if (!isStockMap(layer)) return null;
  return [
    mapOperations(
      layer,
      stockKinds[className]!,
      timeSteps,
      product(outputSizes(layer)) * timeSteps,
    ),
  ];
}

/** A layer that multiplies its input by a kernel. */
export interface MapLayer extends tf.layers.Layer {
  kernel: tf.LayerVariable;
  /** The product of any input and kernel of the layer's shapes, without a bias. */
  product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor;
}

/** The layer as one that multiplies, be it ours or of tf.layers; null if it is none. */
export function asMap(layer: tf.layers.Layer): Pick<MapLayer, 'kernel' | 'product'> | null {
  if (!isStockMap(layer)) return 'product' in layer ? (layer as MapLayer) : null;
  const { kernel, strides, padding, dilationRate } = layer as unknown as StockMap;
  if (layer.getClassName() === 'Dense') {
    return { kernel, product: (x, k) => x.reshape([-1, k.shape[0]!]).matMul(k) };
  }
  const product = (x: tf.Tensor, k: tf.Tensor) =>
    tf.conv2d(x as tf.Tensor4D, k as tf.Tensor4D, strides, padding, 'NHWC', dilationRate);
  return { kernel, product };
}

/** What tf.layers' Dense and Conv2D keep. */
interface StockMap {
  kernel: tf.LayerVariable;
  strides: [number, number];
  padding: 'valid' | 'same';
  dilationRate: [number, number];
}
