/**
 * A network's size and work as NeuroBench counts them (Yik et al., arXiv 2304.04640; package neurobench 2.3),
 * so that it can stand in tables beside networks of PyTorch. Its count of parameters is `models.countParameters`.
 */
import * as tf from '@tensorflow/tfjs';
import { asMap } from '../layers/operations';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { whileListening } from './_listening';
import { walkLayers } from './walk';

/** NeuroBench's metrics of a network (arXiv 2304.04640), equal to those of its package. */
export interface NeurobenchMetrics {
  /** Bytes of all weights and running statistics, 4 each. PyTorch keeps 8 more for every batch norm, its count of batches. */
  footprint: number;
  /** Share of zeros in the kernels of all convolutions and linear maps, from 0 to 1; NeuroBench rounds to 4 digits. */
  connectionSparsity: number;
  /** Share of zeros in what all neurons return, over samples and time steps, from 0 to 1. */
  activationSparsity: number;
  /** Of convolutions and linear maps, per sample with all of its time steps. Attention's products are not among them. */
  synapticOperations: {
    /** Products of a number that is not 0 and a weight that is not 0, in maps whose input is not only 0, 1 and -1. */
    effectiveMacs: number;
    /** The same in maps whose input is only 0, 1 and -1. */
    effectiveAcs: number;
    /** All products, those with zeros among them, but for the padding. */
    dense: number;
  };
}

/** Options of `neurobench`. */
export interface NeurobenchOptions {
  /** Samples that are run at once. Default 16. A map's input is judged to be spikes per batch. */
  batchSize?: number;
}

const isNotZero = (x: tf.Tensor) => x.notEqual(0).toFloat();

/** The sum in double precision: float32 would round counts above 2^24. */
const exactSum = (y: tf.Tensor) => {
  const rows = y
    .reshape([-1, y.shape.at(-1)!])
    .sum(-1)
    .dataSync();
  return Array.from(rows).reduce((sum, row) => sum + Math.round(row), 0);
};

const count = (x: tf.Tensor) => exactSum(isNotZero(x));

/**
 * Runs the model on x `[samples, ...]` as at inference.
 *
 * ```ts
 * const { synapticOperations } = neurobench(model, x);
 * ```
 *
 * @throws if the model is stateful or x holds no sample
 */
export function neurobench(
  model: tf.LayersModel,
  x: tf.Tensor,
  options: NeurobenchOptions = {},
): NeurobenchMetrics {
  checkKeys('neurobench', options, ['batchSize']);
  const { batchSize = 16 } = options;
  checkPositiveInteger('batchSize', batchSize);
  const samples = x.shape[0] ?? 0;
  if (samples === 0) throw invalid('x', 'of one sample or more', x.shape);
  if (model.stateful) throw invalid('model', 'stateless: build it without stateful', model.name);
  const work = { macs: 0, acs: 0, dense: 0, spikes: 0, neurons: 0 };
  const onInput = (layer: tf.layers.Layer, input: tf.Tensor, repeats = 1) => {
    const map = asMap(layer);
    if (!map) return;
    tf.tidy(() => {
      const [awake, kernel] = [isNotZero(input), map.kernel.read()];
      const operations = repeats * exactSum(map.product(awake, isNotZero(kernel)));
      const isSpiking = input.abs().equal(awake).all().dataSync()[0] === 1;
      work[isSpiking ? 'acs' : 'macs'] += operations;
      work.dense += repeats * exactSum(map.product(tf.onesLike(input), tf.onesLike(kernel)));
    });
  };
  const onSpikes = (_: tf.layers.Layer, spikes: tf.Tensor) => {
    work.spikes += tf.tidy(() => count(spikes));
    work.neurons += spikes.size;
  };
  for (let from = 0; from < samples; from += batchSize) {
    tf.tidy(() => {
      const batch = x.slice([from], [Math.min(batchSize, samples - from)]);
      whileListening(model, { input: onInput, spikes: onSpikes }, () => model.apply(batch));
    });
  }
  const { macs, acs, dense, spikes, neurons } = work;
  return {
    ...sizes(model),
    activationSparsity: neurons === 0 ? 0 : (neurons - spikes) / neurons,
    synapticOperations: {
      effectiveMacs: macs / samples,
      effectiveAcs: acs / samples,
      dense: dense / samples,
    },
  };
}

function mapsOf(model: tf.LayersModel): tf.layers.Layer[] {
  const maps: tf.layers.Layer[] = [];
  walkLayers(model, (layer) => {
    if (asMap(layer)) maps.push(layer);
  });
  return maps;
}

const numbers = (weights: tf.LayerVariable[]) =>
  weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0);

function sizes(model: tf.LayersModel): Pick<NeurobenchMetrics, 'footprint' | 'connectionSparsity'> {
  const kernels = mapsOf(model).map((layer) => asMap(layer)!.kernel);
  const awake = tf.tidy(() => kernels.reduce((sum, kernel) => sum + count(kernel.read()), 0));
  const weights = numbers(kernels);
  return {
    footprint: 4 * numbers(model.weights),
    connectionSparsity: weights === 0 ? 0 : (weights - awake) / weights,
  };
}
