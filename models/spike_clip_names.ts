/** The names of SpikeCLIP's weights in its authors' code, and the options that its state_dicts determine. */
import type { AuthorsCode } from './family';
import {
  attentionEntries,
  lookup,
  type MapNames,
  mapBN,
  named,
  sameLayout,
  type TorchEntry,
  tokenizerEntries,
  transformerSizes,
  weight,
} from './torch_names';

/** One weight per time step; the authors' tensor also has axes for batch and channels. */
function timeWeights(variable: TorchEntry['variable']): TorchEntry {
  return sameLayout('weights_tensor', variable!, [1, variable!.shape[0]!, 1]);
}

/** The names of a linear map that the authors call a convolution. */
const linear = (key: string): MapNames => ({ ...named(key, 4), rank: 2 });

/** A batch norm that the authors' text block owns but never calls. */
function unusedBatchNorm(key: string, channels: number): TorchEntry[] {
  const entry = (name: string, fill: number): TorchEntry => ({
    key: `${key}.${name}`,
    shape: [channels],
    variable: null,
    fill,
    dtype: 'F32',
  });
  return [
    ...[entry('weight', 1), entry('bias', 0), entry('running_mean', 0), entry('running_var', 1)],
    { ...entry('num_batches_tracked', 0), shape: [], dtype: 'I64' },
  ];
}

/** The last linear map is `proj`; the weights of the time steps come first. */
function inOrder(entries: TorchEntry[]): TorchEntry[] {
  const isFirst = ({ key }: TorchEntry) => key === 'weights_tensor';
  return [...entries.filter(isFirst), ...entries.filter((entry) => !isFirst(entry))].map(
    (entry) => ({ ...entry, key: entry.key.replace(/^head\./, 'proj.') }),
  );
}

export const spikeClipImageCode: AuthorsCode = {
  layers: {
    SpikeClipTokenizer(layer) {
      const names = [0, 1, 2, 3, 4].map((i) => named(`block${i}`, 4));
      return tokenizerEntries(layer, names.slice(0, 4), [names[4]!, 'proj']);
    },
    SpikeClipBlock(layer, { block = 0 }) {
      const [get, key] = [lookup(layer), `block.${block}`];
      return [
        ...attentionEntries(layer, 3, `${key}.attn.`, 'attn/'),
        ...[1, 2].flatMap((n) => mapBN(named(`${key}.mlp.mlp${n}`, 4), `mlp/fc${n}`, get, true)),
      ];
    },
    TimeWeightedSum: (layer) => [timeWeights(lookup(layer)('time_weights'))],
  },
  inOrder,
  sizes(shapes) {
    const proj = shapes['proj.weight'];
    const timeSteps = shapes.weights_tensor?.shape[1];
    if (!proj || !timeSteps) return 'it has no proj.weight and weights_tensor';
    const sizes = transformerSizes({ ...shapes, 'head.weight': proj });
    if (typeof sizes === 'string') return sizes.replace('head', 'proj');
    const { numClasses: outputDim, ...rest } = sizes;
    return { ...rest, outputDim: outputDim!, timeSteps };
  },
  smallest: () => ({ embedDim: 8, depth: 1, numHeads: 1, outputDim: 1 }),
  laterBlocks: /^block\.(?!0\.)/,
  unused: /\.num_batches_tracked$/,
};

export const spikeClipTextCode: AuthorsCode = {
  layers: {
    SpikeClipTextEncoder(layer) {
      const get = lookup(layer);
      const map = (name: string) => [
        weight(`${name}.weight`, get(`${name}/linear/kernel`), 2),
        weight(`${name}.bias`, get(`${name}/linear/bias`)),
      ];
      return [timeWeights(get('time_sum/time_weights')), ...map('fc1'), ...map('fc2')];
    },
    SpikeClipTextBlock(layer) {
      const get = lookup(layer);
      const channels = get('attn/q/kernel').shape[0]!;
      const maps = (names: readonly string[], key: string, path: (name: string) => string) =>
        names.flatMap((name) => mapBN(linear(`${key}${name}`), path(name), get));
      return [
        ...maps(['q', 'k', 'v', 'proj'], 'attn.', (name) => `attn/${name}`),
        ...unusedBatchNorm('bn1', channels),
        ...maps(['mlp1', 'mlp2'], 'mlp.', (name) => `mlp/${name.replace('mlp', 'fc')}`),
        ...unusedBatchNorm('bn2', channels),
      ];
    },
  },
  sizes(shapes) {
    const [hidden, width] = shapes['fc1.weight']?.shape ?? [];
    const outputDim = shapes['fc2.weight']?.shape[0];
    const timeSteps = shapes.weights_tensor?.shape[1];
    if (!hidden || !width || !outputDim || !timeSteps)
      return 'it has no fc1, fc2 and weights_tensor';
    return { outputDim, timeSteps };
  },
  /** The authors' tokens have as many channels as the output, CLIP's. */
  fromArgs(_, shapes) {
    const [hidden, width] = shapes['fc1.weight']!.shape as [number, number];
    const channels = shapes['fc2.weight']!.shape[0]!;
    const inputShape = [width / channels, channels];
    return Number.isInteger(inputShape[0]) ? { inputShape, mlpRatio: hidden / channels } : {};
  },
  smallest: () => ({ inputShape: [1, 2], outputDim: 2 }),
  laterBlocks: /^$/,
  unused: /^clip_embedding\./,
};
