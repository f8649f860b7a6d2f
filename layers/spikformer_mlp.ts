/** Spikformer's MLP: linear, BN, LIF to a wider layer, and the same back (arXiv 2209.15425). */
import { register } from './_layer';
import { MLP, type MLPConfig } from './_mlp';
import { checkProjection, initStdOf, type Projection, type ProjectionOptions } from './_spikformer';

export interface SpikformerMLPConfig extends MLPConfig, ProjectionOptions {}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> spikes of the same shape. */
export class SpikformerMLP extends MLP {
  static className = 'SpikformerMLP';
  private readonly projection: Projection;

  constructor(config: SpikformerMLPConfig = {}) {
    super(config, ['projection']);
    const { projection = 'linear' } = config;
    checkProjection(projection);
    this.projection = projection;
    this.config.projection = projection;
  }

  protected override initStd(): number | null {
    return initStdOf(this.projection);
  }

  protected override inOrder<T>(linear: T, lif: T): [T, T] {
    return [linear, lif];
  }
}

export const spikformerMLP = (config?: SpikformerMLPConfig) => new SpikformerMLP(config);

register(SpikformerMLP);
