/** Small networks of every family whose blocks can keep some tokens. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { seedWeights } from '../support/layer_test';

const { models } = spiking;
export const config = {
  inputShape: [16, 16, 3],
  numClasses: 3,
  embedDim: 32,
  depth: 3,
  numHeads: 2,
};

export const families = {
  spikingformer: models.spikingformer,
  spikformer: models.spikformer,
  qkformer: models.qkformer,
  sdt: (options: typeof config) =>
    models.spikeDrivenTransformer({ ...options, poolingStat: '0011' }),
} as const;
export const names = Object.keys(families) as (keyof typeof families)[];

export function build(name: keyof typeof families, changes: object): tf.LayersModel {
  const model = families[name]({ ...config, ...{ vThreshold: 0.5, ...changes } });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

export const images = () => tf.randomUniform([2, 16, 16, 3], -1, 2, 'float32', 3);
