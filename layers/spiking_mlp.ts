/** Spikingformer's MLP: LIF, linear, BN to a wider layer, and the same back (arXiv 2304.11954). */
import { register } from './_layer';
import { MLP, type MLPConfig } from './_mlp';

export type SpikingMLPConfig = MLPConfig;

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers. */
export class SpikingMLP extends MLP {
  static className = 'SpikingMLP';

  constructor(config: SpikingMLPConfig = {}) {
    super(config);
  }

  protected override initStd(): null {
    return null;
  }

  protected override inOrder<T>(linear: T, lif: T): [T, T] {
    return [lif, linear];
  }
}

export const spikingMLP = (config?: SpikingMLPConfig) => new SpikingMLP(config);

register(SpikingMLP);
