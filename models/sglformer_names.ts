/** The names that SGLFormer's authors gave its weights, and the options that state_dicts and scripts determine. */
import type { AuthorsCode } from './family';
import {
  blockEntries,
  type LayerNames,
  type Lookup,
  lookup,
  mapBN,
  named,
  type Shapes,
  type Sizes,
  type TorchEntry,
  tokenizerEntries,
} from './torch_names';

/** A map of the authors' modules: its weight is `conv1x1` or `conv3x3`, its batch norm `bn`. */
const mapOf = (key: string, side: 1 | 3, path: string, get: Lookup): TorchEntry[] =>
  mapBN({ map: `${key}conv${side}x${side}`, bn: `${key}bn`, rank: 4 }, path, get);

/** A depthwise kernel has one input channel, as ours does. */
const localBlock = (key: string, path: string, get: Lookup): TorchEntry[] => [
  ...mapOf(`${key}conv.`, 3, `${path}conv`, get),
  ...mapOf(`${key}conv1x1_1.`, 1, `${path}fc1`, get),
  ...mapOf(`${key}dwconv3x3.`, 3, `${path}hidden_conv`, get),
  ...mapOf(`${key}conv1x1_2.`, 1, `${path}fc2`, get),
];

const attention = (key: string, path: string, get: Lookup): TorchEntry[] =>
  ['q', 'k', 'v', 'proj'].flatMap((map) => mapOf(`${key}${map}_conv.`, 1, `${path}${map}`, get));

const mlp = (key: string, path: string, get: Lookup): TorchEntry[] =>
  [1, 2].flatMap((n) => mapOf(`${key}mlp${n}.`, 1, `${path}fc${n}`, get));

/** The two published codes' names for a unit's parts; n counts attention with the MLP behind it. */
const unitNames = {
  unit: {
    list: 'blocks',
    local: 'loc',
    ssa: (n: number) => `ssa${n}`,
    mlp: (n: number) => `mlp${n}`,
  },
  imageNet: {
    list: 'localblock',
    local: 'local1',
    ssa: () => 'local2_SSA',
    mlp: () => 'local2_MLP',
  },
};

const unit: LayerNames = (layer, { block = 0 }) => {
  const get = lookup(layer);
  const { globals } = layer.getConfig() as { globals: number };
  const names = globals === 0 ? unitNames.imageNet : unitNames.unit;
  const key = `${names.list}.${block}`;
  const pairs = Array.from({ length: globals + 1 }, (_, i) => i + 1);
  return [
    ...localBlock(`${key}.${names.local}.`, 'local/', get),
    ...pairs.flatMap((n) => [
      ...attention(`${key}.${names.ssa(n)}.`, `attn${n}/`, get),
      ...mlp(`${key}.${names.mlp(n)}.`, `mlp${n}/`, get),
    ]),
  ];
};

const tokenizer: LayerNames = (layer) => {
  if (layer.getConfig().stemRatio === 8) {
    const names = ['proj', 'proj1', 'proj2', 'proj3', 'proj4'].map((name) => named(name, 4));
    return tokenizerEntries(layer, names.slice(0, 4), [names[4]!, 'stage5/conv_bn']);
  }
  const get = lookup(layer);
  const names = ['stem.conv', ...[1, 2, 3, 4].map((n) => `tokenizer.conv${n}`)];
  return names.flatMap((name, i) => mapOf(`${name}.`, 3, `stage${i + 1}/conv_bn`, get));
};

function sizes(shapes: Shapes): Sizes | string {
  const [numClasses, embedDim] = shapes['head.weight']?.shape ?? [];
  const imageNet = 'patch_embed.proj_conv.weight' in shapes;
  const stem = imageNet ? 'patch_embed.proj_conv.weight' : 'stem.conv.conv3x3.weight';
  const mlp = imageNet
    ? 'localblock.0.local2_MLP.mlp1.conv1x1.weight'
    : 'blocks.0.mlp1.mlp1.conv1x1.weight';
  const channels = shapes[stem]?.shape[1];
  const hidden = shapes[mlp]?.shape[0];
  if (!numClasses || !embedDim) return 'it has no head.weight of two axes';
  if (!hidden) return `it has no ${mlp}`;
  if (!channels) return `it has no ${stem}`;
  const blocks = Object.keys(shapes).map((key) => /^blocks\.(\d+)\./.exec(key)?.[1]);
  const depth = new Set(blocks.filter(Boolean)).size + (imageNet ? 2 : 0);
  return { embedDim, depth, numClasses, mlpRatio: hidden / embedDim, channels };
}

/** Height and width of an image with that many tokens: from the args if they fit, else a square's. */
function sidesOf(tokens: number, patchSize: number, args: Readonly<Record<string, unknown>>) {
  const height = Number(args.img_size_h ?? args.img_size);
  const width = Number(args.img_size_w ?? height);
  if (height * width === tokens * patchSize ** 2) return [height, width];
  const side = Math.sqrt(tokens) * patchSize;
  return Number.isInteger(side) ? [side, side] : null;
}

/**
 * For the ImageNet code, how it pools: from the network name in the script's args, else as the published networks of
 * that width do. Otherwise the readout's kernel gives time steps and tokens, whose side is 16 pixels for events and 4
 * for images.
 */
function fromArgs(
  args: Readonly<Record<string, unknown>>,
  shapes: Shapes,
): Record<string, unknown> {
  if ('patch_embed.proj_conv.weight' in shapes) {
    const [name, late] = /^sglformer_ima(2?)_/.exec(String(args.model)) ?? [];
    const width = shapes['head.weight']?.shape[1];
    const early = name === undefined ? width === 768 : late === '';
    return { pooling: early ? 'early' : 'late' };
  }
  const [, , tokens, timeSteps] = shapes['full_size_conv.weight']?.shape ?? [];
  const channels = shapes['stem.conv.conv3x3.weight']?.shape[1];
  if (!tokens || !timeSteps || !channels) return {};
  const events = channels === 2;
  const sides = sidesOf(tokens, events ? 16 : 4, args);
  if (!sides) return events ? {} : { timeSteps };
  return events
    ? { inputShape: [timeSteps, ...sides, channels] }
    : { timeSteps, inputShape: [...sides, channels] };
}

/** See AuthorsCode: everything that does not depend on the family's options. */
export const sglformerCode: Omit<AuthorsCode, 'smallest'> = {
  layers: {
    SGLFormerTokenizer: tokenizer,
    SGLFormerUnit: unit,
    SGLFormerGlobalBlock: (layer, { block = 0 }) =>
      blockEntries(layer, block, { attentionRank: 3, mlp: 'fc', mlpRank: 3 }).map((entry) => ({
        ...entry,
        key: entry.key.replace(/^block\./, 'blocks.'),
      })),
    SGLFormerSelfAttention: (layer) => attention('', '', lookup(layer)),
    SGLFormerLocalBlock: (layer) => localBlock('', '', lookup(layer)),
    SGLFormerReadout(layer) {
      const get = lookup(layer);
      const names = { map: 'full_size_conv', bn: 'bn', rank: 4 };
      return mapBN(names, '', (path) => get(path.slice(1)), true);
    },
  },
  sizes,
  fromArgs,
  laterBlocks: /^blocks\.(?!0\.)/,
  unused: /(\.norm[12]\.(weight|bias)|\.num_batches_tracked)$/,
};
