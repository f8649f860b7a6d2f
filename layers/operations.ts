/** What layers compute, as they say it themselves: dense operations, and which neurons gate them. */
import type * as tf from '@tensorflow/tfjs';
import { invalid } from '../lib/validate';

/** A share of a layer's operations that is computed only where neurons have fired. */
export interface GatedTerm {
  /** Of the operations, from 0 to 1. */
  share: number;
  /** Names of the neuron layers inside: at most the lowest of their rates is computed. */
  gates: string[];
}

/** One row of `countOperations`, of one sample and all of its time steps. */
export interface Operations {
  kind: 'convolution' | 'linear' | 'attention' | 'neurons';
  /** Behind the layer's path, if the row is not the whole layer: 'product'. */
  part?: string;
  /** Multiply-accumulates as if nothing were zero; one more per output for a bias. */
  operations: number;
  /** Time steps that it is computed at. */
  timeSteps: number;
  /** Numbers that it gives, all time steps. */
  outputs: number;
  /** Numbers that training can change. */
  parameters: number;
  /** Default: what the layer takes in gates all of it. */
  terms?: GatedTerm[];
}

/** Rows of its own and layers inside, in the order in which they are computed. */
export type OperationList = readonly (Operations | tf.layers.Layer)[];

export interface OperationOptions {
  /** Heads that attention is counted with, instead of its own. */
  attentionHeads?: number;
}

/** A layer that says what it computes. */
export interface CountedLayer {
  operations(options: OperationOptions): OperationList;
}

export const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A built layer's output shape without the batch; it must be known in full. */
export function outputSizes(layer: tf.layers.Layer): number[] {
  const sizes = (layer.outputShape as tf.Shape).slice(1);
  if (sizes.some((n) => n == null)) {
    throw invalid(`The shape of ${layer.name}`, 'known but for the batch, to be counted', [
      null,
      ...sizes,
    ]);
  }
  return sizes as number[];
}

/** A layer that multiplies by one kernel, at that many time steps: outputs times the inputs of each, and the bias. */
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

/** The layers of tf.layers that multiply by a kernel. */
const stockKinds: Record<string, 'convolution' | 'linear'> = {
  Dense: 'linear',
  Conv2D: 'convolution',
};

/** Whether it is one of those: they report their inputs through tf.layers' call hook. */
export const isStockMap = (layer: tf.layers.Layer) =>
  Object.hasOwn(stockKinds, layer.getClassName());

/** What a layer of tf.layers computes at each of that many time steps; null if it is not known here. */
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
