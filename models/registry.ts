/**
 * The families' networks by name, such as `create('spikingformer-4-384-cifar10')`, in the manner of timm's
 * create_model.
 */
import type * as tf from '@tensorflow/tfjs';
import { show } from '../lib/validate';
import { allFamilies } from './families';
import type { Family, FamilyConfig } from './family';
import type { MembraneNetworkConfig } from './membrane_network';
import type { AnyPresetName } from './preset_names';
import type { QKFormerConfig } from './qkformer';
import type { SGLFormerConfig } from './sglformer';
import type { SpikeBertConfig } from './spike_bert';
import type { SpikeClipImageConfig } from './spike_clip_image';
import type { SpikeClipTextConfig } from './spike_clip_text';
import type { SpikeDrivenTransformerConfig } from './spike_driven_transformer';
import type { SpikformerConfig } from './spikformer';

/** Any preset's configuration; each option belongs to the families that have it. */
export type ModelConfig = SpikformerConfig &
  Partial<QKFormerConfig & MembraneNetworkConfig & SpikeDrivenTransformerConfig & SGLFormerConfig> &
  Partial<SpikeBertConfig> &
  Partial<SpikeClipImageConfig> &
  Partial<SpikeClipTextConfig>;

/** The names that `create` accepts: family, depth, width and data set. Networks from before CML end in '-no-cml'. */
export function list(): string[] {
  return allFamilies().flatMap(({ presets }) => Object.keys(presets));
}

/** The family of a preset. */
export function familyOfPreset(name: string): Family {
  const family = allFamilies().find(({ presets }) => Object.hasOwn(presets, name));
  if (!family) {
    throw new Error(`There is no model ${show(name)}; models.list() has ${list().join(', ')}`);
  }
  return family;
}

/** A preset's configuration with the caller's changes. For an event network, other time steps change its inputShape. */
export function presetConfig(
  name: AnyPresetName,
  overrides: Partial<ModelConfig> = {},
): ModelConfig {
  const preset = familyOfPreset(name).presets[name]!;
  const config = { ...preset, ...overrides };
  const { timeSteps } = overrides;
  if (timeSteps !== undefined && !overrides.inputShape && preset.inputShape.length === 4) {
    config.inputShape = [timeSteps, ...preset.inputShape.slice(1)];
  }
  return config as FamilyConfig & ModelConfig;
}

/**
 * One of the papers' networks, with fresh weights.
 *
 * ```ts
 * const model = spiking.models.create('spikingformer-4-256-cifar10', { timeSteps: 2 });
 * ```
 *
 * @throws if there is no preset of that name, or if an option is unknown or invalid
 */
export function create(name: AnyPresetName, overrides?: Partial<ModelConfig>): tf.LayersModel {
  const config = presetConfig(name, overrides);
  return familyOfPreset(name).create(config as FamilyConfig & ModelConfig);
}
