/** The names of the presets as a type, which editors complete. */
import type { MaxResNetPreset } from './maxresnet';
import type { MembranePreset } from './membrane_network';
import type { QKFormerPreset } from './qkformer';
import type { SGLFormerPreset } from './sglformer';
import type { SpikeBertPreset } from './spike_bert';
import type { SpikeClipImagePreset } from './spike_clip_image';
import type { SpikeClipTextPreset } from './spike_clip_text';
import type { SpikeDrivenPreset } from './spike_driven_transformer';
import type { SpikformerPreset } from './spikformer';
import type { SpikingformerPreset } from './spikingformer';

/** The presets of the built-in families; `models.list()` has them, and those of registered families. */
export type PresetName =
  | SpikingformerPreset
  | SpikformerPreset
  | QKFormerPreset
  | SpikeDrivenPreset
  | MembranePreset<'maxformer' | 'msqkformer'>
  | SGLFormerPreset
  | MaxResNetPreset
  | SpikeBertPreset
  | SpikeClipImagePreset
  | SpikeClipTextPreset;

/** A built-in preset by name, or one of a family added by `registerFamily`. */
export type AnyPresetName = PresetName | (string & {});
