/** A transformer block that can compute with its most informative tokens only, and pass the others by. */
import type * as tf from '@tensorflow/tfjs';
import { checkKeepTokens, keptCount, onKeptTokens } from '../../lib/kept_tokens';
import { checkWindowSize } from '../../lib/token_scores';
import { invalid } from '../../lib/validate';
import { type CallArgs, checkImages } from '../layer';
import { ResidualBlock, type ResidualBlockConfig } from './residual_block';

export interface PruningBlockConfig extends ResidualBlockConfig {
  /**
   * How many tokens of an image the block computes with: a count from 1, or a share below 1. The others, those with
   * lower `tokenScores`, leave the block unchanged; training statistics cover the kept ones. It needs neither extra
   * weights nor training: TP-Spikformer's published code. Default null: all.
   */
  keepTokens?: number | null;
  /** With keepTokens: windowSize of `tokenScores`. Default 3; 7 in QKFormer's blocks. */
  scoreWindow?: number;
}

/** The options beyond those of a ResidualBlock. */
export const pruningKeys = ['keepTokens', 'scoreWindow'];

/** For subclasses in which tokens interact only in sums over all of them: kept tokens have no neighbors. */
export abstract class PruningBlock extends ResidualBlock {
  /** Undefined if not given. */
  private readonly keepTokens: number | null | undefined;
  private readonly scoreWindow: number;

  constructor(config: PruningBlockConfig, ownKeys: readonly string[] = []) {
    super(config, [...pruningKeys, ...ownKeys]);
    const { keepTokens, scoreWindow = 3, stateful } = config;
    checkWindowSize('scoreWindow', scoreWindow);
    if (keepTokens != null) {
      checkKeepTokens('keepTokens', keepTokens);
      if (stateful) throw invalid('keepTokens', 'left out if stateful is true', keepTokens);
    }
    this.keepTokens = keepTokens;
    this.scoreWindow = scoreWindow;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    super.buildSublayers(this.keptShape(inputShape));
  }

  /** The input shape of the layers inside. */
  private keptShape(inputShape: tf.Shape): tf.Shape {
    if (this.keepTokens == null) return inputShape;
    checkImages(this.name, inputShape);
    const [batch, time, height, width, channels] = inputShape;
    const kept = height && width ? keptCount(this.keepTokens, height * width) : null;
    return [batch!, time!, kept, channels!];
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const { keepTokens, scoreWindow: windowSize } = this;
    const run = (tokens: tf.Tensor) => super.forward(tokens, kwargs);
    return keepTokens == null ? run(x) : onKeptTokens(x, { keepTokens, windowSize }, run);
  }

  /** The options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const { keepTokens, scoreWindow } = this;
    return { ...super.getConfig(), ...(keepTokens !== undefined && { keepTokens, scoreWindow }) };
  }
}
