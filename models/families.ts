/**
 * The table of families: the only place that knows them by name. Presets, weight names and options are looked up here.
 */
import type * as tf from '@tensorflow/tfjs';
import { invalid, show } from '../lib/validate';
import type { Family } from './family';
import { maxformerFamily } from './maxformer';
import { maxresnetFamily } from './maxresnet';
import { msqkformerFamily } from './msqkformer';
import { qkformerFamily } from './qkformer';
import { sglformerFamily } from './sglformer';
import { spikeBertFamily } from './spike_bert';
import { spikeClipImageFamily } from './spike_clip_image';
import { spikeClipTextFamily } from './spike_clip_text';
import { spikeDrivenFamily } from './spike_driven_transformer';
import { spikformerFamily } from './spikformer';
import { spikingformerFamily } from './spikingformer';
import { type LayerPlace, stockNames, type TorchEntry } from './torch_names';

const families = new Map<string, Family>(
  [
    spikingformerFamily, //
    spikformerFamily,
    qkformerFamily,
    spikeDrivenFamily,
    maxformerFamily,
    msqkformerFamily,
    sglformerFamily,
    maxresnetFamily,
    spikeBertFamily,
    spikeClipImageFamily,
    spikeClipTextFamily,
  ].map((family) => [family.name, family as unknown as Family]),
);

/**
 * Adds a family: presets, weights and recipes of it then work like those of the built-in ones.
 *
 * @throws if the name has other characters than letters, digits and -, or if a preset of that name exists
 */
export function registerFamily<Config extends object>(family: Family<Config>): void {
  const { name, presets } = family;
  if (!/^[a-z][a-z0-9-]*$/i.test(name)) throw invalid('name', 'of letters, digits and -', name);
  for (const preset of Object.keys(presets)) {
    const owner = [...families.values()].find((other) => Object.hasOwn(other.presets, preset));
    if (owner && owner.name !== name) {
      throw new Error(`The family ${show(owner.name)} already has a preset ${show(preset)}`);
    }
  }
  families.set(name, family as unknown as Family);
}

/** In the order in which they were registered. */
export const allFamilies = (): Family[] => [...families.values()];

/** @throws if there is none of that name */
export function familyNamed(name: string): Family {
  const family = families.get(name);
  if (!family) throw invalid('family', `one of ${[...families.keys()].join(', ')}`, name);
  return family;
}

/** The family that a layer belongs to, if any. */
export function familyOfLayer(layer: tf.layers.Layer): Family | undefined {
  const className = layer.getClassName();
  return allFamilies().find(({ authors }) => Object.hasOwn(authors.layers, className));
}

/** Whether the authors' code has a counterpart of the layer; heads and readouts do not count. */
export const isOfFamily = (layer: tf.layers.Layer) => familyOfLayer(layer) !== undefined;

/** One layer's part of the state_dict. */
export function layerEntries(layer: tf.layers.Layer, place: LayerPlace = {}): TorchEntry[] {
  const className = layer.getClassName();
  const names = { ...stockNames, ...familyOfLayer(layer)?.authors.layers };
  if (Object.hasOwn(names, className)) return names[className]!(layer, place);
  throw new Error(
    `The authors' code has no counterpart of layer ${layer.name} (${className}): the layers must be those of ` +
      `one family (${[...families.keys()].join(', ')}), RateReadout and one Dense`,
  );
}

/** The whole state_dict of a model that a family made, or one with the same layers. */
export function torchEntries(model: tf.LayersModel): TorchEntry[] {
  const events = model.inputs[0]?.shape.length === 5;
  const seen = new Map<string, number>();
  const entries = model.layers.flatMap((layer, i) => {
    const className = layer.getClassName();
    const block = seen.get(className) ?? 0;
    seen.set(className, block + 1);
    return layerEntries(layer, { events, block, before: model.layers.slice(0, i) });
  });
  const family = model.layers.map(familyOfLayer).find(Boolean);
  return family?.authors.inOrder?.(entries) ?? entries;
}

/** Whether a key belongs to a module that some family's authors own but never use. */
export function isUnusedKey(key: string): boolean {
  return allFamilies().some(({ authors }) => authors.unused.test(key));
}
