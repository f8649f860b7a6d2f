/** A network's answer at each time step: how soon it is right, and what early exit would cost. */
import * as tf from '@tensorflow/tfjs';

/** Where a model still has separate time steps, and how they become logits. */
export interface StepReadout {
  /** The input of the RateReadout: `[batch, time, ..., channels]`. */
  spikes: tf.SymbolicTensor;
  /** The logits of such spikes at each time step, `[batch, time, classes]`. */
  logits(spikes: tf.Tensor, training: boolean): tf.Tensor3D;
}

/** @throws if the model has no RateReadout at its top level, or if the layers after it are not a chain */
export function stepReadout(model: tf.LayersModel): StepReadout {
  const at = model.layers.findIndex((layer) => layer.getClassName() === 'RateReadout');
  if (at < 0)
    throw new Error(`${model.name} has no RateReadout, so its time steps cannot be separated`);
  const readout = model.layers[at]!;
  const after = model.layers.slice(at + 1);
  for (const [i, layer] of after.entries()) {
    const before = i === 0 ? readout : after[i - 1]!;
    if (layer.input !== before.output) {
      throw new Error(
        `${layer.name} does not follow ${before.name} alone: the layers after the readout must be a chain`,
      );
    }
  }
  return {
    spikes: readout.input as tf.SymbolicTensor,
    logits(spikes, training) {
      const [batch, time, ...rest] = spikes.shape as [number, number, ...number[]];
      const rates = spikes.reshape([batch * time, -1, rest.at(-1)!]).mean(1);
      const outputs = after.reduce((y, layer) => layer.apply(y, { training }) as tf.Tensor, rates);
      return outputs.reshape([batch, time, -1]);
    },
  };
}

/**
 * `[batch, time, classes]`: the layers after the RateReadout, applied to each time step's rates instead of their mean.
 * If they are one linear head, the mean over time is the model's answer. The caller disposes of it.
 *
 * ```ts
 * const perStep = spiking.models.logitsPerStep(model, x); // [8, 4, 10]
 * const sofar = perStep.cumsum(1); // ranks the classes after each step
 * ```
 *
 * @throws if the model has no RateReadout at its top level, or if the layers after it are not a chain
 */
export function logitsPerStep(model: tf.LayersModel, x: tf.Tensor): tf.Tensor3D {
  const { spikes, logits } = stepReadout(model);
  const body = tf.model({ inputs: model.inputs, outputs: spikes });
  return tf.tidy(() => logits(body.apply(x, { training: false }) as tf.Tensor, false));
}
