/**
 * What files of others rely on: the classes that model.json names, with the keys of their configs,
 * and of every preset its configuration, the paths of its weights and of what `observe` sees, and
 * the authors' keys. No path depends on width or resolution, and blocks are alike: the networks are
 * built tiny, with two blocks. A preset whose paths are those of another refers to it.
 */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { adamW } from 'tfjs-spikingformer/training';
import type { FamilyConfig } from '../../../models/family';
import { familyOfPreset, type ModelConfig } from '../../../models/registry';
import '../../support/backends';
import { buildFast } from '../../support/build_fast';
import { layerCases } from '../../support/layer_cases';
import type { Lines } from './_lines';

export function models(): Map<string, Lines> {
  return new Map([
    ['classes', classes()],
    ['presets', presets()],
  ]);
}

function classes(): Lines {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const serializable = [...layerCases.map(({ make }) => make()), adamW()];
  const lines: Lines = new Map();
  for (const one of serializable) {
    const name = one.getClassName();
    if (!classNameMap[name]) throw new Error(`${name} must be registered, but is not`);
    lines.set(name, 'class');
    for (const key of Object.keys(one.getConfig())) lines.set(`${name}.${key}`, '');
  }
  return lines;
}

/** `block1/attn/q/kernel` and the like by the folder that they share, in their order. */
function byFolder(paths: string[], separator: string): Map<string, string> {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const cut = path.lastIndexOf(separator);
    const folder = cut > 0 ? path.slice(0, cut) : '.';
    folders.set(folder, [...(folders.get(folder) ?? []), path.slice(cut + 1)]);
  }
  return new Map([...folders].map(([folder, names]) => [folder, names.join(' ')]));
}

function presets(): Lines {
  const lines: Lines = new Map();
  const owners = new Map<string, string>();
  for (const name of spiking.models.list()) {
    const { inputShape, ...config } = spiking.models.presetConfig(name);
    const options = Object.entries({ inputShape, ...config }).sort();
    lines.set(name, options.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(', '));
    for (const [kind, folders] of Object.entries(pathsOf(name))) {
      const list = `${kind} ${JSON.stringify([...folders])}`;
      const owner = owners.get(list);
      if (owner) lines.set(`${name} ${kind}`, `as ${owner}`);
      else {
        owners.set(list, name);
        lines.set(`${name} ${kind}`, 'its own');
        for (const [folder, names] of folders) lines.set(`${name} ${kind} ${folder}`, names);
      }
    }
  }
  return lines;
}

function pathsOf(name: string) {
  const config = spiking.models.presetConfig(name);
  const { inputShape } = config;
  const smallest = familyOfPreset(name).authors.smallest(config as ModelConfig & FamilyConfig);
  const events = inputShape.length === 4;
  const { depth, numClasses } = smallest as Partial<ModelConfig>;
  const model = buildFast(() =>
    spiking.models.create(name, {
      inputShape: [...(events ? [1] : []), 16, 16, inputShape.at(-1)!],
      ...{ ...smallest, timeSteps: 1 },
      ...(depth && { depth: Math.max(2, depth) }),
      ...(numClasses && { numClasses: 2 }),
    }),
  );
  const x = tf.zeros([1, ...model.inputs[0]!.shape.slice(1)] as number[]);
  const seen = spiking.observe(model, x);
  const paths = {
    weights: byFolder(
      model.weights.map(({ originalName }) => originalName),
      '/',
    ),
    observed: byFolder([...seen.keys()], '/'),
    torch: byFolder(Object.keys(spiking.interop.toTorchStateDict(model)), '.'),
  };
  tf.dispose([x, ...seen.values()]);
  model.dispose();
  return paths;
}
