/** Counting parameters as the papers do. */
import type * as tf from '@tensorflow/tfjs';
import type { CompositeLayer } from '../layers/_composite';

export interface ParameterCount {
  /** Numbers that training can change; running statistics are not among them. */
  parameters: number;
  /**
   * The same with the two LayerNorms a block that the authors' code owns and never uses: the count
   * that their logs and checkpoints show. Equal to `parameters` where there is no such block.
   */
  withUnusedLayerNorms: number;
}

/** The layers that stand for the authors' blocks. */
const blocks = ['SpikingformerBlock', 'SpikformerBlock'];

const size = (shape: tf.Shape) => shape.reduce<number>((a, n) => a * n!, 1);

/** A model's number of parameters, frozen ones included. */
export function countParameters(model: tf.LayersModel): ParameterCount {
  const running = /moving_(mean|variance)$/;
  const parameters = model.layers
    .flatMap((layer) => layer.weights)
    .filter((weight) => !running.test(weight.originalName))
    .reduce((sum, weight) => sum + size(weight.shape), 0);
  const layerNorms = model.layers
    .filter((layer) => blocks.includes(layer.getClassName()))
    .reduce((sum, block) => sum + 2 * 2 * channelsOf(block as CompositeLayer), 0);
  return { parameters, withUnusedLayerNorms: parameters + layerNorms };
}

function channelsOf(block: CompositeLayer): number {
  return (block.outputShape as tf.Shape).at(-1)!;
}
