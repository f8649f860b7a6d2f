/**
 * The Spike-driven Transformer's MLP: Spikingformer's, with the initialization and shortcuts of its authors (arXiv
 * 2307.01694).
 */
import { register } from '../layer';
import { LinearBN } from '../linear_bn';
import type { MLPConfig } from '../parts/mlp';
import { SpikingMLP } from '../spikingformer/mlp';
import { INIT_STD } from './init_std';

/**
 * Options of {@link SpikeDrivenMLP}.
 *
 * @interface
 */
export type SpikeDrivenMLPConfig = MLPConfig;

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers:
 * BN(linear(LIF(h))), h = BN(linear(LIF(x))). With hiddenRatio 1 each half has a membrane shortcut, as in the published
 * code: h + BN(linear(LIF(x + h))). SpikeDrivenBlock adds the shortcut around the whole.
 */
export class SpikeDrivenMLP extends SpikingMLP {
  static override className = 'SpikeDrivenMLP';

  constructor(config: SpikeDrivenMLPConfig = {}) {
    super({ ...config, hiddenShortcut: config.hiddenRatio === 1 });
  }

  protected override makeMap(name: string, units: number): LinearBN {
    return new LinearBN({ name, units, useBias: true, initStd: INIT_STD });
  }
}

/**
 * A {@link SpikeDrivenMLP} (arXiv 2307.01694): `[batch, time, tokens, channels]` or `[batch, time, height, width,
 * channels]` -> real numbers of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeDrivenMLP = (config?: SpikeDrivenMLPConfig) => new SpikeDrivenMLP(config);

register(SpikeDrivenMLP);
