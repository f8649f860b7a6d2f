/** One forward pass that can return, besides the logits, the logits at each time step and a layer's outputs. */
import * as tf from '@tensorflow/tfjs';
import { didYouMean } from '../lib/did_you_mean';
import { stepReadout } from '../models/logits_per_step';

/** What to return besides the logits. */
export interface ForwardRequest {
  /** Whether to return the logits at each time step. Default false. */
  readonly perStep?: boolean;
  /** The name of a layer whose outputs to return, such as 'block4'. Default none. */
  readonly featuresOf?: string;
}

/** What a forward pass returns to a loss. */
export interface ForwardOutputs {
  /** `[batch, classes]` */
  logits: tf.Tensor;
  /** `[batch, time, classes]`, if requested. */
  logitsPerStep?: tf.Tensor3D;
  /** The requested layer's outputs, such as `[batch, time, height, width, channels]`. */
  features?: tf.Tensor;
}

export type Forward = (x: tf.Tensor, training: boolean) => ForwardOutputs;

/**
 * The model's forward pass with everything requested. It runs each layer once, except that the head also runs on the
 * time steps. Call it within `tf.tidy`.
 *
 * @throws if the model has no layer of that name at its top level, or no separate time steps
 */
export function forwardOf(model: tf.LayersModel, request: ForwardRequest = {}): Forward {
  const [logits, readout, features] = [
    model.outputs[0]!,
    request.perStep ? stepReadout(model) : undefined,
    request.featuresOf === undefined ? undefined : layerOutput(model, request.featuresOf),
  ];
  const wanted = [logits, readout?.spikes, features].filter((output) => output !== undefined);
  const outputs = [...new Set(wanted)];
  const network =
    outputs.length === 1 ? model : tf.model({ inputs: model.inputs, outputs: [...outputs] });
  return (x, training) => {
    const tensors = [network.apply(x, { training }) as tf.Tensor | tf.Tensor[]].flat();
    const given = (output: tf.SymbolicTensor) => tensors[outputs.indexOf(output)]!;
    return {
      logits: given(logits),
      ...(readout && { logitsPerStep: readout.logits(given(readout.spikes), training) }),
      ...(features && { features: given(features) }),
    };
  };
}

/**
 * The output of a layer at the model's top level.
 *
 * @throws if there is no layer of that name
 */
export function layerOutput(model: tf.LayersModel, name: string): tf.SymbolicTensor {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer) return layer.output as tf.SymbolicTensor;
  const names = model.layers.map((candidate) => candidate.name);
  throw new Error(
    `featuresOf must be a layer of ${model.name}, one of ${names.join(', ')}, ` +
      `but got '${name}'${didYouMean(name, names)}`,
  );
}
