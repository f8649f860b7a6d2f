/** The names of SpikeBERT's weights in its authors' code, and the options that state_dicts and scripts determine. */
import type { AuthorsCode } from './family';
import {
  type LayerNames,
  type Lookup,
  layerNormEntries,
  lookup,
  sameLayout,
  type TorchEntry,
  weight,
} from './torch_names';

/** The entries of a LinearLN whose weights lie below `path`. */
function mapLN(map: string, ln: string, path: string, get: Lookup): TorchEntry[] {
  return [
    weight(`${map}.weight`, get(`${path}/kernel`), 2),
    weight(`${map}.bias`, get(`${path}/bias`)),
    ...layerNormEntries(ln, `${path}/ln/`, get),
  ];
}

/** Our names and theirs. */
const attentionMaps = { q: 'q', k: 'k', v: 'v', proj: 'last' };

const attention = (get: Lookup, key = '', path = '') =>
  Object.entries(attentionMaps).flatMap(([ours, theirs]) =>
    mapLN(`${key}${theirs}_m`, `${key}${theirs}_ln`, `${path}${ours}`, get),
  );
const mlp = (get: Lookup, key = '', path = '') =>
  [1, 2].flatMap((n) => mapLN(`${key}fc${n}`, `${key}ln${n}`, `${path}fc${n}`, get));

const layers: Record<string, LayerNames> = {
  TokenEmbedding(layer) {
    const get = lookup(layer);
    const table = sameLayout('emb.weight', get('embeddings'));
    // The authors' code has no positions.
    return layer.getConfig().positions
      ? [table, sameLayout('positions.weight', get('positions'))]
      : [table];
  },
  SpikeBertBlock(layer, { block = 0 }) {
    const [get, key] = [lookup(layer), `blocks.${block}.`];
    return [...attention(get, `${key}attn.`, 'attn/'), ...mlp(get, `${key}mlp.`, 'mlp/')];
  },
  SpikeBertTransform: (layer, { block = 0 }) =>
    mapLN(`transforms.${block}.fc`, `transforms.${block}.ln`, 'map', lookup(layer)),
  SpikeBertSelfAttention: (layer) => attention(lookup(layer)),
  SpikeBertMLP: (layer) => mlp(lookup(layer)),
};

/** All transforms come after the last layer norm; the head is a classifier. */
function inOrder(entries: TorchEntry[]): TorchEntry[] {
  const rank = ({ key }: TorchEntry) =>
    ['last_ln.', 'transforms.', 'head.'].findIndex((start) => key.startsWith(start));
  return [...entries]
    .sort((a, b) => rank(a) - rank(b))
    .map((entry) => ({ ...entry, key: entry.key.replace(/^head\./, 'classifier.') }));
}

const integer = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

export const spikeBertCode: AuthorsCode = {
  layers,
  inOrder,
  sizes(shapes) {
    const [vocabSize, embedDim] = shapes['emb.weight']?.shape ?? [];
    const hidden = shapes['blocks.0.mlp.fc1.weight']?.shape[0];
    const numClasses = shapes['classifier.weight']?.shape[0];
    if (!vocabSize || !embedDim) return 'it has no emb.weight of two axes';
    if (!hidden) return 'it has no blocks.0.mlp.fc1';
    const blocks = Object.keys(shapes).map((key) => /^blocks\.\d+\./.exec(key)?.[0]);
    const depth = new Set(blocks.filter(Boolean)).size;
    const sizes = { vocabSize, embedDim, depth, mlpRatio: hidden / embedDim };
    return numClasses === undefined ? sizes : { ...sizes, numClasses };
  },
  fromArgs: ({ heads, length, common_thr: vThreshold }) => ({
    ...(integer(heads) && { numHeads: heads }),
    ...(integer(length) && { inputShape: [length] }),
    ...(typeof vThreshold === 'number' && vThreshold > 0 && { vThreshold }),
  }),
  smallest: ({ numClasses }) => ({
    ...{ inputShape: [2], vocabSize: 2, embedDim: 8, depth: 1, numHeads: 1 },
    numClasses: numClasses == null ? null : 1,
  }),
  laterBlocks: /^(blocks|transforms)\.(?!0\.)/,
  unused: /^$/,
};
