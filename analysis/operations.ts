/**
 * What a network computes, counted from its shapes: multiply-accumulates of every convolution, linear map and
 * attention product as if nothing were zero, for one sample and all of its time steps.
 * Counting rules: the authors' own for Spikingformer (an adapted syops-counter).
 */
import type * as tf from '@tensorflow/tfjs';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { walkLayers } from './walk';

export interface LayerOperations {
  /** The layer's path, as in `observe`; an attention's two products are at `path/product`. */
  path: string;
  kind: 'convolution' | 'linear' | 'attention';
  /** Dense operations of one sample, all time steps; one more an output where there is a bias. */
  operations: number;
  /** Time steps that it is computed at: 1 after the readout. */
  timeSteps: number;
  /** Numbers that it gives, all time steps. */
  outputs: number;
  /** Numbers that training can change, batch norm not among them. */
  parameters: number;
  /** An attention's factors, by the paths of their neurons: the two of the first product, then the third. */
  factors?: [string, string, string];
}

export interface OperationCount {
  layers: LayerOperations[];
  /** Spiking neurons times time steps. */
  neuronSteps: number;
  /** Layers with weights of which this counter knows nothing, by path. */
  uncounted: string[];
}

export interface CountOptions {
  /** Heads that attention is counted with. Default: the model's. The authors' log of 8-768 says 12 where the model has 8. */
  attentionHeads?: number;
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const optionalSum = (weights: tf.LayerVariable[]) =>
  weights.reduce((sum, { shape }) => sum + product(shape as number[]), 0);

/** A shape without its batch; it must be known in full. */
function sizesOf(layer: tf.layers.Layer, shape: tf.Shape): number[] {
  const sizes = shape.slice(1);
  if (sizes.some((n) => n == null)) {
    throw invalid(`The shape of ${layer.name}`, 'known but for the batch, to be counted', shape);
  }
  return sizes as number[];
}

const outputOf = (layer: tf.layers.Layer) => sizesOf(layer, layer.outputShape as tf.Shape);
const inputOf = (layer: tf.layers.Layer) =>
  sizesOf(layer, (layer.input as tf.SymbolicTensor).shape);

/** A layer that multiplies by one kernel: outputs times the inputs of each, and the bias. */
function mapOperations(
  layer: tf.layers.Layer,
  path: string,
  kind: 'convolution' | 'linear',
  repeats: number,
  hasTimeAxis: boolean,
): LayerOperations {
  const own = layer.weights.filter(({ originalName }) => /\/(kernel|bias)$/.test(originalName));
  const [kernel, bias] = own;
  const outputs = product(outputOf(layer)) * repeats;
  const fanIn = product((kernel!.shape as number[]).slice(0, -1));
  return {
    path,
    kind,
    operations: outputs * (fanIn + (bias ? 1 : 0)),
    timeSteps: hasTimeAxis ? outputOf(layer)[0]! * repeats : repeats,
    outputs,
    parameters: optionalSum(own),
  };
}

/** q, k, v `[time, heads, tokens, headDim]`: (q kT) v or q (kT v), whichever `spikingAttention` takes. */
function attentionOperations(
  layer: tf.layers.Layer & { readonly numHeads: number },
  path: string,
  heads = layer.numHeads,
): LayerOperations {
  const sizes = outputOf(layer);
  const [time, channels] = [sizes[0]!, sizes.at(-1)!];
  const tokens = product(sizes.slice(1, -1));
  if (channels % heads !== 0) {
    throw invalid('attentionHeads', `a divisor of the ${channels} channels`, heads);
  }
  const headDim = channels / heads;
  const [q, k, v] = ['q', 'k', 'v'].map((name) => `${path}/${name}_lif`) as [
    string,
    string,
    string,
  ];
  return {
    path: `${path}/product`,
    kind: 'attention',
    operations: 2 * time * heads * tokens * headDim * Math.min(tokens, headDim),
    timeSteps: time,
    outputs: time * tokens * (channels + heads * Math.min(tokens, headDim)),
    parameters: 0,
    factors: tokens < headDim ? [q, k, v] : [k, v, q],
  };
}

/**
 * Counts a built model. A layer that is called at several places counts once.
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
  const holders = new Map<string, tf.layers.Layer>();
  walkLayers(model, (layer, path) => {
    holders.set(path, layer);
    const holder = holders.get(path.slice(0, path.lastIndexOf('/')));
    const kinds = { Dense: 'linear', Conv2D: 'convolution' } as const;
    const className = layer.getClassName();
    switch (className) {
      case 'ConvBN': {
        // An image is convolved once for all of its time steps, and counts as often as it is presented.
        const time = inputOf(layer)[0]!;
        const steps = holder?.getClassName() === 'CMLDownsample' ? outputOf(holder)[0]! : time;
        count.layers.push(mapOperations(layer, path, 'convolution', steps / time, true));
        return;
      }
      case 'LinearBN':
        // The product comes before the last map, in the order in which they are computed.
        if (holder && attentions.has(holder.getClassName()) && layer.name === 'proj') {
          const holderPath = path.slice(0, path.lastIndexOf('/'));
          count.layers.push(attentionOperations(holder as never, holderPath, attentionHeads));
        }
        count.layers.push(mapOperations(layer, path, 'linear', 1, true));
        return;
      case 'Dense':
      case 'Conv2D': {
        const steps = holder?.getClassName() === 'FoldTime' ? outputOf(holder)[0]! : 1;
        count.layers.push(mapOperations(layer, path, kinds[className], steps, false));
        return;
      }
      case 'IFNode':
      case 'LIFNode':
      case 'ParametricLIFNode':
        count.neuronSteps += product(outputOf(layer));
        return;
      default:
        if (!silent.has(className) && layer.weights.length > 0) count.uncounted.push(path);
    }
  });
  return count;
}

const attentions = new Set(['SpikingSelfAttention', 'SpikformerSelfAttention']);

/** Layers whose own arithmetic the papers leave out, or that only hold others. */
const silent = new Set([
  ...attentions,
  'BatchNormOverTime',
  'BatchNormalization',
  'CMLDownsample',
  'FoldTime',
  'Functional',
  'Model',
  'Sequential',
  'SpikformerBlock',
  'SpikformerMLP',
  'SpikformerTokenizer',
  'SpikingMLP',
  'SpikingTokenizer',
  'SpikingformerBlock',
]);
