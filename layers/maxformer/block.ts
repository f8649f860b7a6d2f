/**
 * A Max-Former block: attention, a depthwise convolution, both or neither, and an MLP, each added to its real-valued
 * input (arXiv 2505.18608).
 */
import { checkFinite } from '../../lib/validate';
import { Chain } from '../chain';
import { DepthwiseConvBN } from '../depthwise_conv_bn';
import { register } from '../layer';
import { NeuronFactory } from '../neuron_options';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { SpikingMLP } from '../spikingformer/mlp';
import { SpikingSelfAttention } from '../spikingformer/self_attention';

export interface MaxFormerBlockConfig extends Omit<ResidualBlockConfig, 'numHeads'> {
  /** Number of heads of Spikingformer's attention. Default null: no attention. */
  numHeads?: number | null;
  /**
   * Side of the depthwise convolution's kernels, odd; requires images, and runs after attention if there is one.
   * Default null: no convolution.
   */
  kernelSize?: number | null;
}

/**
 * `[batch, time, height, width, channels]`, or `[batch, time, tokens, channels]` without a kernelSize -> the same
 * shape: x + mixer(x), then x + mlp(x). The mixer is attention, then LIF, depthwise convolution, BN; a part that is not
 * configured is left out. With mlpRatio 1 the MLP has a shortcut around each of its two maps.
 */
export class MaxFormerBlock extends ResidualBlock {
  static className = 'MaxFormerBlock';

  constructor(config: MaxFormerBlockConfig = {}) {
    super(config, ['kernelSize']);
    const { numHeads = null, kernelSize = null, scale = 0.125, attnVThreshold = 0.5 } = config;
    checkFinite('scale', scale);
    checkFinite('attnVThreshold', attnVThreshold);
    const { mlpRatio } = this;
    const neurons = new NeuronFactory(config);
    const { options } = neurons;
    const attention = { name: 'attn', scale, attnVThreshold, ...options };
    const mixer = [
      ...(numHeads === null ? [] : [new SpikingSelfAttention({ numHeads, ...attention })]),
      ...(kernelSize === null
        ? []
        : [neurons.lif('lif'), new DepthwiseConvBN({ name: 'conv', kernelSize, useBias: true })]),
    ];
    if (mixer.length > 0) this.own(new Chain({ name: 'mixer', layers: mixer }));
    const mlp = { name: 'mlp', hiddenRatio: mlpRatio, hiddenShortcut: mlpRatio === 1 };
    this.own(new SpikingMLP({ ...mlp, ...options }));
    this.config = { mlpRatio, numHeads, kernelSize, scale, attnVThreshold, ...options };
  }
}

export const maxFormerBlock = (config?: MaxFormerBlockConfig) => new MaxFormerBlock(config);

register(MaxFormerBlock);
