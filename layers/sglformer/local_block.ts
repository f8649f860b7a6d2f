/**
 * SGLFormer's local block: depthwise convolutions of spikes, the second between two linear maps (doi
 * 10.3389/fnins.2024.1371290).
 */
import type * as tf from '@tensorflow/tfjs';
import { invalid } from '../../lib/validate';
import { runResidual } from '../chain';
import { CompositeLayer } from '../composite';
import { DepthwiseConvBN } from '../depthwise_conv_bn';
import { type CallArgs, checkImages, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory } from '../neuron_options';
import { hiddenRatioOf, type MLPConfig, mlpKeys } from '../parts/mlp';

/**
 * Options of {@link SGLFormerLocalBlock}.
 *
 * @interface
 */
export type SGLFormerLocalBlockConfig = MLPConfig;

/**
 * `[batch, time, height, width, channels]` -> the same shape, the input included: u = x + LIF(BN(depthwise 3x3 of x)),
 * then u plus the output of LIF(BN(...)) three times in a row: linear to the hidden layer, depthwise 3x3, linear back.
 */
export class SGLFormerLocalBlock extends CompositeLayer {
  static className = 'SGLFormerLocalBlock';
  private readonly hiddenRatio: number;
  private readonly lifs: readonly LIFNode[];
  private first: tf.layers.Layer[] = [];
  private second: tf.layers.Layer[] = [];

  constructor(config: SGLFormerLocalBlockConfig = {}) {
    super(config, mlpKeys);
    this.hiddenRatio = hiddenRatioOf(config);
    const neurons = new NeuronFactory(config);
    const names = ['conv_lif', 'fc1_lif', 'hidden_conv_lif', 'fc2_lif'];
    this.lifs = names.map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio: this.hiddenRatio, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkImages(this.name, inputShape);
    const { hiddenRatio } = this;
    const hidden = channels * hiddenRatio;
    if (!Number.isInteger(hidden)) {
      throw invalid(
        'hiddenRatio',
        `a number whose product with the ${channels} channels is whole`,
        hiddenRatio,
      );
    }
    const maps = [
      this.own(new DepthwiseConvBN({ name: 'conv' })),
      this.own(new LinearBN({ name: 'fc1', units: hidden })),
      this.own(new DepthwiseConvBN({ name: 'hidden_conv' })),
      this.own(new LinearBN({ name: 'fc2', units: channels })),
    ];
    const [first, ...second] = maps.map((map, i) => [map, this.lifs[i]!]);
    this.first = first!;
    this.second = second.flat();
    this.buildInOrder([...this.first, ...this.second], inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runResidual(this.second, runResidual(this.first, x, kwargs), kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * An {@link SGLFormerLocalBlock} (doi 10.3389/fnins.2024.1371290): `[batch, time, height, width, channels]` -> the
 * same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const sglFormerLocalBlock = (config?: SGLFormerLocalBlockConfig) =>
  new SGLFormerLocalBlock(config);

register(SGLFormerLocalBlock);
