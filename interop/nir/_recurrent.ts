/** A neuron whose spikes come back to it a time step later, through linear maps. */
import * as tf from '@tensorflow/tfjs';
import { runChain } from '../../layers/chain';
import { CompositeLayer } from '../../layers/composite';
import {
  type CallArgs,
  deserializeLayer,
  type LayerArgs,
  oneShape,
  register,
} from '../../layers/layer';
import { type NirNeuron, overTime } from './_neuron';

export interface NirRecurrentConfig extends LayerArgs {
  neuron: NirNeuron;
  /** From the neuron's output to its input, in order. */
  path: tf.layers.Layer[];
}

/**
 * `[batch, time, ...]` -> the neuron's output, of the same shape: at each step it takes the input plus what the path
 * makes of its output one step earlier, of zeros at the first.
 */
export class NirRecurrent extends CompositeLayer {
  static className = 'NirRecurrent';
  readonly neuron: NirNeuron;
  readonly path: readonly tf.layers.Layer[];

  constructor(config: NirRecurrentConfig) {
    super(config, ['neuron', 'path']);
    this.neuron = this.own(config.neuron);
    this.path = config.path.map((layer) => this.own(layer));
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.buildSublayer(this.neuron, inputShape);
    this.buildInOrder(this.path, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const { neuron, path } = this;
    let last: tf.Tensor = tf.zeros([x.shape[0]!, ...x.shape.slice(2)]);
    const y = overTime(x, neuron, (xt, state) => {
      const back = runChain(path, last.expandDims(1), kwargs).squeeze([1]);
      const [output, next] = neuron.step(xt.add(back), state);
      last = output;
      return [output, next];
    });
    neuron.emit(y);
    return y;
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const configOf = (layer: tf.layers.Layer) => ({
      className: layer.getClassName(),
      config: layer.getConfig(),
    });
    return { ...super.getConfig(), neuron: configOf(this.neuron), path: this.path.map(configOf) };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const neuron = deserializeLayer(config.neuron as tf.serialization.ConfigDict);
    const path = (config.path as tf.serialization.ConfigDict[]).map(deserializeLayer);
    return CompositeLayer.fromConfig(cls, { ...config, neuron, path } as never);
  }
}

register(NirRecurrent);
