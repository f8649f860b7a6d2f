/** The two linear maps of an MLP, each with batch norm; a family decides where its neurons stand. */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../../lib/validate';
import { checkTokens, type LayerArgs } from '../layer';
import { LinearBN } from '../linear_bn';
import { type NeuronOptions, neuronOptionKeys } from '../neuron_options';

export interface MLPConfig extends LayerArgs, NeuronOptions {
  /** Width of the hidden layer in channels of the input. Default 4. */
  hiddenRatio?: number;
}

export const mlpKeys = ['hiddenRatio', ...neuronOptionKeys];

/** The checked ratio. */
export function hiddenRatioOf({ hiddenRatio = 4 }: MLPConfig): number {
  checkPositive('hiddenRatio', hiddenRatio);
  return hiddenRatio;
}

/** fc1 to the hidden layer and fc2 back, for an input of that shape to the layer of that name. */
export function mlpMaps(
  name: string,
  inputShape: tf.Shape,
  hiddenRatio: number,
  { initStd, useBias = true }: { initStd: number | null; useBias?: boolean },
): [fc1: LinearBN, fc2: LinearBN] {
  const channels = checkTokens(name, inputShape);
  const hidden = channels * hiddenRatio;
  if (!Number.isInteger(hidden)) {
    throw invalid('hiddenRatio', `such that ${channels} channels times it is whole`, hiddenRatio);
  }
  const map = (part: string, units: number) =>
    new LinearBN({ name: part, units, useBias, initStd });
  return [map('fc1', hidden), map('fc2', channels)];
}
