/** The table of families: whoever asks for presets, weights' names or options asks here and knows none by name. */
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

/** Takes a family in: its presets, weights and recipes are then known like those of the library's own. */
export function registerFamily<Config extends object>(family: Family<Config>): void {
  const { name, presets } = family;
  if (!/^[a-z][a-z0-9-]*$/i.test(name)) throw invalid('name', 'of letters, digits and -', name);
  for (const preset of Object.keys(presets)) {
    const owner = [...families.values()].find((other) => Object.hasOwn(other.presets, preset));
    if (owner && owner.name !== name) {
      throw new Error(`The family ${show(owner.name)} has a preset ${show(preset)} already`);
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

/** The family of a layer that is of one. */
export function familyOfLayer(layer: tf.layers.Layer): Family | undefined {
  const className = layer.getClassName();
  return allFamilies().find(({ authors }) => Object.hasOwn(authors.layers, className));
}

/** Whether the authors' code has a counterpart of the layer beyond heads and readouts. */
export const isOfFamily = (layer: tf.layers.Layer) => familyOfLayer(layer) !== undefined;

/** One layer's part of the state_dict. */
export function layerEntries(layer: tf.layers.Layer, place: LayerPlace = {}): TorchEntry[] {
  const className = layer.getClassName();
  const names = { ...stockNames, ...familyOfLayer(layer)?.authors.layers };
  if (Object.hasOwn(names, className)) return names[className]!(layer, place);
  throw new Error(
    `The authors' code has no counterpart of layer ${layer.name} (${className}); a model of the layers of ` +
      `one family (${[...families.keys()].join(', ')}), RateReadout and one Dense can be exchanged`,
  );
}

/** The whole state_dict of a model that a family made, or one of the same layers. */
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

/** Whether a key is of what some family's authors own and never use. */
export function isUnusedKey(key: string): boolean {
  return allFamilies().some(({ authors }) => authors.unused.test(key));
}
