/** A network whose operations are counted by hand. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { seedWeights } from '../support/layer_test';

const { layers } = spiking;

/** One time step is 4 x 4 pixels of 2 channels; a dense head on 3 x 4 x 4 x 5 numbers' rates. */
export function small(timeSteps = 3): tf.Sequential {
  const model = tf.sequential({
    layers: [
      layers.cmlDownsample({
        name: 'down',
        filters: 5,
        poolSize: 1,
        poolStrides: 1,
        timeSteps,
        inputShape: [4, 4, 2],
      }),
      layers.convBN({ name: 'conv', filters: 6, useBias: true }),
      layers.lifNode({ name: 'lif' }),
      layers.rateReadout({ name: 'readout' }),
      tf.layers.dense({ name: 'head', units: 7 }),
    ],
  });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}
