/**
 * The weight names in the published code of Max-Former and MS-QKFormer, and the options that a state_dict determines.
 */
import type * as tf from '@tensorflow/tfjs';
import type { AuthorsCode } from './family';
import {
  authorsHeads,
  type Form,
  formOf,
  type MembraneNetworkConfig,
  shallowest,
} from './membrane_network';
import {
  type LayerNames,
  lookup,
  type MapNames,
  mapBN,
  named,
  type Shapes,
  type Sizes,
  type TorchEntry,
} from './torch_names';

/**
 * The names of an embedding's convolutions, in order, with that of the shortcut last: 'x' is short for x_conv and x_bn.
 */
type EmbedNames = readonly (string | Pick<MapNames, 'map' | 'bn'>)[];

/** What differs between the families. */
export interface MembraneNames {
  embedClass: string;
  blockClass: string;
  /** The names of the first embedding. */
  first: Record<Form, EmbedNames>;
  /** The names of the later embeddings. */
  later(form: Form): EmbedNames;
  /** The entries of a block's parts before its MLP, below that key. */
  mixer(block: tf.layers.Layer, key: string): TorchEntry[];
}

/** By the number of convolutions in the first embedding, its shortcut included. */
const forms: Record<number, Form> = { 3: 'cifar', 4: 'imagenet', 5: 'events' };

function formOfShapes(shapes: Shapes): Form | undefined {
  const convs = Object.entries(shapes).filter(
    ([key, { shape }]) => /^patch_embed1\..*weight$/.test(key) && shape.length === 4,
  );
  return forms[convs.length];
}

const convsOf = (embed: tf.layers.Layer) => (embed.getConfig().stages as unknown[]).length + 1;

function embedEntries({ embedClass, first, later }: MembraneNames): LayerNames {
  return (layer, { before = [] }) => {
    const embeds = [...before, layer].filter((one) => one.getClassName() === embedClass);
    const form = forms[convsOf(embeds[0]!)];
    const names = form && (embeds.length === 1 ? first[form] : later(form));
    const convs = convsOf(layer);
    if (names?.length !== convs) {
      throw new Error(
        `The authors' code has no counterpart of ${layer.name}: its embedding ${embeds.length} has ${convs} convolutions`,
      );
    }
    const stages = Array.from({ length: convs - 2 }, (_, i) => `stage${i + 1}/conv_bn`);
    const get = lookup(layer);
    return [...stages, 'proj', 'shortcut'].flatMap((path, i) => {
      const name = names[i]!;
      const { map, bn } = typeof name === 'string' ? named(name, 4) : name;
      const key = `patch_embed${embeds.length}`;
      return mapBN({ map: `${key}.${map}`, bn: `${key}.${bn}`, rank: 4 }, path, get);
    });
  };
}

function blockEntries({ embedClass, mixer }: MembraneNames): LayerNames {
  return (layer, { before = [] }) => {
    const isEmbed = (one: tf.layers.Layer) => one.getClassName() === embedClass;
    const index = [...before].reverse().findIndex(isEmbed);
    const key = `stage${before.filter(isEmbed).length}.${index}`;
    const get = lookup(layer);
    const mlp = [1, 2].flatMap((n) =>
      mapBN(named(`${key}.mlp.fc${n}`, 4), `mlp/fc${n}`, get, true),
    );
    return [...mixer(layer, key), ...mlp];
  };
}

/** All embeddings come before all blocks. */
function embeddingsFirst(entries: TorchEntry[]): TorchEntry[] {
  const isEmbedding = ({ key }: TorchEntry) => key.startsWith('patch_embed');
  return [...entries.filter(isEmbedding), ...entries.filter((entry) => !isEmbedding(entry))];
}

function sizes(shapes: Shapes): Sizes | string {
  const keys = Object.keys(shapes);
  const [numClasses, embedDim] = shapes['head.weight']?.shape ?? [];
  const first = ['proj_conv', 'embed1.embed_conv'].map(
    (conv) => shapes[`patch_embed1.${conv}.weight`],
  );
  const channels = (first[0] ?? first[1])?.shape[1];
  const [hidden, width] = shapes['stage1.0.mlp.fc1_conv.weight']?.shape ?? [];
  if (!numClasses || !embedDim) return 'it has no head.weight of two axes';
  if (!channels) return 'it has no convolution in patch_embed1';
  if (!hidden || !width) return 'it has no stage1.0.mlp';
  const blocks = new Set(keys.map((key) => /^stage\d+\.\d+\./.exec(key)?.[0]).filter(Boolean));
  const embeds = new Set(keys.map((key) => /^patch_embed\d+\./.exec(key)?.[0]).filter(Boolean));
  const depths = Array.from(
    embeds,
    (_, i) => [...blocks].filter((block) => block!.startsWith(`stage${i + 1}.`)).length,
  );
  return { embedDim, depths, numClasses, mlpRatio: hidden / width, channels };
}

/** The authors' code ignores the heads in its args. */
function fromArgs(_: unknown, shapes: Shapes): Record<string, unknown> {
  const form = formOfShapes(shapes);
  const embedDim = shapes['head.weight']?.shape[1];
  return form && embedDim ? { numHeads: authorsHeads(form, embedDim) } : {};
}

/** What the published code of both families shares, combined with what differs. */
export function membraneCode(names: MembraneNames): AuthorsCode {
  return {
    layers: { [names.embedClass]: embedEntries(names), [names.blockClass]: blockEntries(names) },
    inOrder: embeddingsFirst,
    sizes,
    fromArgs,
    smallest: (config) => ({
      ...{ embedDim: 16, numHeads: 1, numClasses: 1 },
      depths: shallowest(config as MembraneNetworkConfig & typeof config),
    }),
    laterBlocks: /^stage\d+\.(?!0\.)/,
    unused: /\.num_batches_tracked$/,
  };
}

/** A note on heads for users of loaded weights. */
export function membraneNotes(config: MembraneNetworkConfig): string[] {
  const heads = authorsHeads(formOf(config), config.embedDim);
  return [
    `numHeads ${heads} is fixed in the published code, which ignores num_heads and depths in its args`,
  ];
}
