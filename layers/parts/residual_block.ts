/** A transformer block: x + attention(x), then x + mlp(x). */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../../lib/validate';
import { runResidual } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, checkTokens, oneShape } from '../layer';
import { type HeadAttentionConfig, headAttentionKeys } from './head_attention';

export interface ResidualBlockConfig extends HeadAttentionConfig {
  /** Width of the MLP's hidden layer, as a multiple of the input's channels. Default 4. */
  mlpRatio?: number;
}

/** A subclass makes `attn` and `mlp` from its options and passes them to `own`, in this order. */
export abstract class ResidualBlock extends CompositeLayer {
  protected readonly mlpRatio: number;

  constructor(config: Omit<ResidualBlockConfig, 'numHeads'>, ownKeys: readonly string[] = []) {
    super(config, [...headAttentionKeys, 'mlpRatio', ...ownKeys]);
    const { mlpRatio = 4 } = config;
    checkPositive('mlpRatio', mlpRatio);
    this.mlpRatio = mlpRatio;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    if (!Number.isInteger(channels * this.mlpRatio)) {
      throw invalid(
        'mlpRatio',
        `a number whose product with the ${channels} channels is whole`,
        this.mlpRatio,
      );
    }
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.sublayers.reduce((y, layer) => runResidual([layer], y, kwargs), x);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}
