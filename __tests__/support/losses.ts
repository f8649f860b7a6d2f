/** Losses for tests of the Trainer, and networks that are called a counted number of times. */
import * as tf from '@tensorflow/tfjs';
import { softTargetCrossEntropy } from '../../training/losses';
import type { LossBatch, TrainingLoss } from '../../training/training_loss';

/** Asks for everything, and learns a scale for each channel of block1 and a bias along with the model. */
export function everythingLoss(channels = 16): TrainingLoss & { batches: LossBatch['at'][] } {
  const variables = {
    'map/scale': tf.tidy(() => tf.variable(tf.ones([channels, 3]))),
    'map/bias': tf.tidy(() => tf.variable(tf.zeros([3]))),
  };
  const batches: LossBatch['at'][] = [];
  return {
    perStep: true,
    featuresOf: 'block1',
    variables,
    batches,
    compute({ targets, logits, logitsPerStep, features, at }) {
      batches.push({ epoch: at.epoch, batch: at.batch });
      const channelMeans = features!.mean([1, 2, 3]);
      const mapped = tf.matMul(channelMeans as tf.Tensor2D, variables['map/scale'] as tf.Tensor2D);
      const spread = logitsPerStep!.sub(logits.expandDims(1)).square().mean();
      return softTargetCrossEntropy(targets, logits)
        .add(softTargetCrossEntropy(targets, mapped.add(variables['map/bias'])))
        .add(spread.mul(0.1));
    },
    dispose: () => tf.dispose(Object.values(variables)),
  };
}

/** How often each top-level layer of a model is called while `run` runs. */
export function countCalls(model: tf.LayersModel, run: () => void): Record<string, number> {
  const calls: Record<string, number> = {};
  for (const layer of model.layers) {
    const call = layer.call;
    layer.call = function counted(...args: Parameters<typeof call>) {
      calls[layer.name] = (calls[layer.name] ?? 0) + 1;
      return call.apply(layer, args);
    };
  }
  try {
    run();
  } finally {
    for (const layer of model.layers) delete (layer as Partial<tf.layers.Layer>).call;
  }
  return calls;
}
