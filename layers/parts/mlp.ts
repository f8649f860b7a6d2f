/** The two linear maps of an MLP, each with batch norm; each family places the neurons. */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../../lib/validate';
import { checkTokens, type LayerArgs } from '../layer';
import { LinearBN } from '../linear_bn';
import { type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import type { MakeMap } from './head_attention';

export interface MLPConfig extends LayerArgs, NeuronOptions {
  /** Width of the hidden layer, as a multiple of the input's channels. Default 4. */
  hiddenRatio?: number;
}

export const mlpKeys = ['hiddenRatio', ...neuronOptionKeys];

/** The checked ratio. */
export function hiddenRatioOf({ hiddenRatio = 4 }: MLPConfig): number {
  checkPositive('hiddenRatio', hiddenRatio);
  return hiddenRatio;
}

/**
 * fc1 to the hidden layer and fc2 back, for an input of that shape to the layer of that name: by default LinearBNs with
 * a bias and that initStd.
 */
export function mlpMaps(
  name: string,
  inputShape: tf.Shape,
  hiddenRatio: number,
  maps: { initStd: number | null; useBias?: boolean } | MakeMap,
): [fc1: tf.layers.Layer, fc2: tf.layers.Layer] {
  const channels = checkTokens(name, inputShape);
  const hidden = channels * hiddenRatio;
  if (!Number.isInteger(hidden)) {
    throw invalid(
      'hiddenRatio',
      `a number whose product with the ${channels} channels is whole`,
      hiddenRatio,
    );
  }
  const make: MakeMap =
    typeof maps === 'function'
      ? maps
      : (part, units) => new LinearBN({ name: part, units, useBias: true, ...maps });
  return [make('fc1', hidden), make('fc2', channels)];
}
