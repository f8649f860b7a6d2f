/**
 * What a network computes, counted from its shapes: the multiply-accumulates of every convolution, linear map and
 * attention product as if nothing were zero, for one sample and all of its time steps. The counting rules are the
 * authors' for Spikingformer (an adapted syops-counter). Each layer reports what it computes in a method `operations`;
 * your own layers can, too.
 */
import type * as tf from '@tensorflow/tfjs';
import {
  type CountedLayer,
  type GatedTerm,
  type Operations,
  stockOperations,
} from '../layers/operations';
import { checkKeys, checkPositiveInteger } from '../lib/validate';
import { childrenOf } from './walk';

/** The operations of a layer for one sample, over all time steps. */
export interface LayerOperations {
  /** The layer's path, as in `observe`; an attention's two products are at `path/product`. */
  path: string;
  kind: 'convolution' | 'linear' | 'attention';
  /** Dense operations of one sample over all time steps, plus one per output if there is a bias. */
  operations: number;
  /** The number of time steps at which it runs: 1 after the readout. */
  timeSteps: number;
  /** Output numbers over all time steps. */
  outputs: number;
  /** Numbers that training can change, without those of batch norm. */
  parameters: number;
  /** Shares that neurons gate, by the neurons' paths. Without them the layer's input gates all of it. */
  terms?: GatedTerm[];
  /** An attention's factors, by the paths of their neurons: the two of the first product, then the third. */
  factors?: [string, string, string];
}

/** The operations of a model for one sample, over all time steps. */
export interface OperationCount {
  layers: LayerOperations[];
  /** Spiking neurons times time steps. */
  neuronSteps: number;
  /** Layers with weights that this counter has no rule for, by path. */
  uncounted: string[];
}

/** Options of `countOperations`. */
export interface CountOptions {
  /**
   * Number of heads to count attention with. Default: the model's. The authors' log of 8-768 uses 12, the model has 8.
   */
  attentionHeads?: number;
}

/** A layer's row with full paths, and an attention's factors if that is what its terms are. */
function rowOf({ part, terms, ...row }: Operations, path: string): LayerOperations {
  const gated = terms?.map(({ share, gates }) => ({
    share,
    gates: gates.map((gate) => `${path}/${gate}`),
  }));
  const [first, second, ...more] = gated ?? [];
  const factors = [...(first?.gates ?? []), ...(second?.gates ?? [])];
  return {
    ...(row as Operations & { kind: LayerOperations['kind'] }),
    path: part === undefined ? path : `${path}/${part}`,
    ...(gated && { terms: gated }),
    ...(factors.length === 3 &&
      more.length === 0 && { factors: factors as [string, string, string] }),
  };
}

/** Stock layers whose time steps a readout takes, such as a head before the mean over time, and how many. */
function timedLayers(model: tf.LayersModel): Map<tf.layers.Layer, number> {
  const inputs = childrenOf(model)
    .filter((layer) => layer.getClassName() === 'RateReadout')
    .flatMap(({ inboundNodes }) => inboundNodes.flatMap(({ inputTensors }) => inputTensors));
  return new Map(inputs.map(({ sourceLayer, shape }) => [sourceLayer, shape[1] ?? 1]));
}

/**
 * Counts a built model. A layer that is called in several places counts once.
 *
 * ```ts
 * const { layers } = countOperations(spiking.models.create('spikingformer-4-256-cifar10'));
 * ```
 */
export function countOperations(model: tf.LayersModel, options: CountOptions = {}): OperationCount {
  checkKeys('countOperations', options, ['attentionHeads']);
  const { attentionHeads } = options;
  if (attentionHeads !== undefined) checkPositiveInteger('attentionHeads', attentionHeads);
  const count: OperationCount = { layers: [], neuronSteps: 0, uncounted: [] };
  const timed = timedLayers(model);
  const visit = (layer: tf.layers.Layer, path: string) => {
    const own = (layer as Partial<CountedLayer>).operations?.(options);
    const timeSteps = timed.get(layer) ?? 1;
    const stock = stockOperations(layer)?.map((row) => ({ ...row, timeSteps }));
    const rows = own ?? stock ?? childrenOf(layer);
    if (rows.length === 0 && !own && layer.weights.length > 0) count.uncounted.push(path);
    for (const row of rows) {
      if ('getClassName' in row) visit(row, `${path}/${row.name}`);
      else if (row.kind === 'neurons') count.neuronSteps += row.outputs;
      else count.layers.push(rowOf(row, path));
    }
  };
  for (const layer of childrenOf(model)) visit(layer, layer.name);
  return count;
}
