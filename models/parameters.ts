/** Counts parameters as the papers do. */
import type * as tf from '@tensorflow/tfjs';
import { isOfFamily, layerEntries } from './families';

/** The parameters of a model, by `countParameters`. */
export interface ParameterCount {
  /** Numbers that training can change, without running statistics. */
  parameters: number;
  /**
   * The same plus what the authors' code owns but never uses, such as the two LayerNorms of each block: the count in
   * their logs and checkpoints. Equal to `parameters` if there are none.
   */
  withUnusedLayerNorms: number;
}

const size = (shape: tf.Shape) => shape.reduce<number>((a, n) => a * n!, 1);

/** A model's number of parameters, frozen ones included. */
export function countParameters(model: tf.LayersModel): ParameterCount {
  const running = /moving_(mean|variance)$/;
  const parameters = model.layers
    .flatMap((layer) => layer.weights)
    .filter((weight) => !running.test(weight.originalName))
    .reduce((sum, weight) => sum + size(weight.shape), 0);
  const unused = model.layers
    .filter(isOfFamily)
    .flatMap((layer) => layerEntries(layer))
    .filter(({ variable, dtype }) => variable === null && dtype === 'F32')
    .reduce((sum, { shape }) => sum + size(shape), 0);
  return { parameters, withUnusedLayerNorms: parameters + unused };
}
