/** The authors' weight names: the entries of a state_dict, each with our variable that holds it. */
import type * as tf from '@tensorflow/tfjs';
import { show } from '../lib/validate';

/** One entry of the authors' state_dict. */
export interface TorchEntry {
  key: string;
  /** The shape in PyTorch's layout. */
  shape: number[];
  /** Our variable; null if the authors' module is never called, or counts batches. */
  variable: tf.LayerVariable | null;
  /** Whether our layout is PyTorch's, as for a table of rows. Default false: kernels are transposed. */
  sameLayout?: true;
  /** What a fresh PyTorch module holds if there is no variable. */
  fill: number;
  dtype: 'F32' | 'I64';
}

/** The place of a layer in its model. */
export interface LayerPlace {
  /** Its number among the layers of its class, from 0. Default 0. */
  block?: number;
  /** Whether the model takes events. Default false. */
  events?: boolean;
  /** The layers before it in the model. */
  before?: readonly tf.layers.Layer[];
}

/** One layer's entries, in the authors' order. */
export type LayerNames = (layer: tf.layers.Layer, place: LayerPlace) => TorchEntry[];

/** Looks up the variables of one of our layers by their names inside it. */
export type Lookup = (path: string) => tf.LayerVariable;

export function lookup(layer: tf.layers.Layer): Lookup {
  const variables = new Map(
    layer.weights.map((weight) => [
      weight.originalName.slice(
        weight.originalName.indexOf(`${layer.name}/`) + layer.name.length + 1,
      ),
      weight,
    ]),
  );
  return (path) => {
    const variable = variables.get(path);
    if (!variable) throw new Error(`${layer.name} has no weight ${show(path)}`);
    return variable;
  };
}

/** Our kernel's shape as PyTorch has it: `[kh, kw, in, out]` -> (out, in, kh, kw); `[in, out]` -> (out, in) and ones up to `rank`. */
function torchShape(shape: tf.Shape, rank: number): number[] {
  const [kernel, io] = [shape.slice(0, -2), shape.slice(-2).reverse()];
  const sides = kernel.length > 0 ? kernel : Array<number>(rank - 2).fill(1);
  return [...io, ...sides] as number[];
}

export function weight(key: string, variable: tf.LayerVariable, rank = 1): TorchEntry {
  const shape = rank === 1 ? (variable.shape as number[]) : torchShape(variable.shape, rank);
  return { key, shape, variable, fill: 0, dtype: 'F32' };
}

/** A weight with the same axes as here, such as a table of embeddings, or one to which PyTorch adds axes of size 1. */
export function sameLayout(
  key: string,
  variable: tf.LayerVariable,
  shape = variable.shape as number[],
): TorchEntry {
  return { key, shape, variable, sameLayout: true, fill: 0, dtype: 'F32' };
}

/** The names of a convolution or linear map and of its batch norm, and the rank of its weight. */
export interface MapNames {
  map: string;
  bn: string;
  rank: number;
}

/** `q_conv` and `q_bn`; or `q_linear` if the authors wrote a linear map (rank 2). */
export function named(key: string, rank: number): MapNames {
  return { map: `${key}_${rank === 2 ? 'linear' : 'conv'}`, bn: `${key}_bn`, rank };
}

/** The entries of a ConvBN or LinearBN whose weights lie below `path`. */
export function mapBN(
  { map, bn, rank }: MapNames,
  path: string,
  get: Lookup,
  bias = false,
): TorchEntry[] {
  return [
    weight(`${map}.weight`, get(`${path}/kernel`), rank),
    ...(bias ? [weight(`${map}.bias`, get(`${path}/bias`))] : []),
    weight(`${bn}.weight`, get(`${path}/bn/gamma`)),
    weight(`${bn}.bias`, get(`${path}/bn/beta`)),
    weight(`${bn}.running_mean`, get(`${path}/bn/moving_mean`)),
    weight(`${bn}.running_var`, get(`${path}/bn/moving_variance`)),
    { key: `${bn}.num_batches_tracked`, shape: [], variable: null, fill: 0, dtype: 'I64' },
  ];
}

/** The entries of a LayerNorm whose weights lie below `path`. */
export function layerNormEntries(key: string, path: string, get: Lookup): TorchEntry[] {
  return [weight(`${key}.weight`, get(`${path}gamma`)), weight(`${key}.bias`, get(`${path}beta`))];
}

/** A LayerNorm that the authors' blocks own but never call. */
export function unusedLayerNorm(key: string, channels: number): TorchEntry[] {
  const entry = (name: string, fill: number): TorchEntry => ({
    key: `${key}.${name}`,
    shape: [channels],
    variable: null,
    fill,
    dtype: 'F32',
  });
  return [entry('weight', 1), entry('bias', 0)];
}

/**
 * The tokenizer's entries: the names of its stages, then those of the parts after them, whose weights lie below `path`.
 */
export function tokenizerEntries(
  tokenizer: tf.layers.Layer,
  stages: readonly MapNames[],
  [last, path]: readonly [names: MapNames, path: string],
): TorchEntry[] {
  const get = lookup(tokenizer);
  const maps = stages.map((names, i) => [names, `stage${i + 1}/conv_bn`] as const);
  return [...maps, [last, path] as const].flatMap(([{ map, bn, rank }, below]) =>
    mapBN({ map: `patch_embed.${map}`, bn: `patch_embed.${bn}`, rank }, below, get),
  );
}

/** How a family's authors wrote the maps of its attention and MLP. */
export interface BlockNames {
  /** Rank of attention's weights; q, k and v have a bias if it is 2. */
  attentionRank: number;
  /** 'mlp' or 'fc', before the number. */
  mlp: string;
  mlpRank: number;
}

/**
 * Attention's entries below `key`, from weights below `path`; `factors` are the letters of its maps before the last
 * one.
 */
export function attentionEntries(
  layer: tf.layers.Layer,
  rank: number,
  key = '',
  path = '',
  factors = 'qkv',
): TorchEntry[] {
  const get = lookup(layer);
  return [
    ...[...factors].flatMap((name) =>
      mapBN(named(`${key}${name}`, rank), `${path}${name}`, get, rank === 2),
    ),
    ...mapBN(named(`${key}proj`, rank), `${path}proj`, get, true),
  ];
}

export function blockEntries(
  block: tf.layers.Layer,
  index: number,
  { attentionRank, mlp, mlpRank }: BlockNames,
): TorchEntry[] {
  const get = lookup(block);
  const key = `block.${index}`;
  const channels = get('attn/q/kernel').shape[0]!;
  const layer = (n: number) =>
    mapBN(named(`${key}.mlp.${mlp}${n}`, mlpRank), `mlp/fc${n}`, get, true);
  return [
    ...unusedLayerNorm(`${key}.norm1`, channels),
    ...attentionEntries(block, attentionRank, `${key}.attn.`, 'attn/'),
    ...unusedLayerNorm(`${key}.norm2`, channels),
    ...layer(1),
    ...layer(2),
  ];
}

/** What all families share: a linear head, layer norms by their own names; inputs and readouts have no entries. */
export const stockNames: Readonly<Record<string, LayerNames>> = {
  Dense(head) {
    const get = lookup(head);
    return [weight('head.weight', get('kernel'), 2), weight('head.bias', get('bias'))];
  },
  InputLayer: () => [],
  LayerNorm: (layer) => layerNormEntries(layer.name, '', lookup(layer)),
  LIFNode: () => [],
  RateReadout: () => [],
  TokenMean: () => [],
};

/** Names and shapes of a state_dict, without data. */
export type Shapes = Readonly<Record<string, { shape: number[] }>>;

/**
 * The options that the shapes of a state_dict determine; `channels` are those of an image input, and of an event input.
 */
export type Sizes = Record<string, number | number[]> & { channels?: number; numClasses?: number };

/** The sizes of a spiking transformer in the authors' names, or what is missing. */
export function transformerSizes(shapes: Shapes): Sizes | string {
  const keys = Object.keys(shapes);
  const [numClasses, embedDim] = shapes['head.weight']?.shape ?? [];
  const depth = new Set(keys.map((key) => /^block\.(\d+)\./.exec(key)?.[1]).filter(Boolean)).size;
  const mlp = keys.find((key) => /^block\.0\.mlp\.\w+1_(conv|linear)\.weight$/.test(key));
  const hidden = mlp === undefined ? undefined : shapes[mlp]!.shape[0];
  const [first] = keys
    .filter((key) => /^patch_embed\..*weight$/.test(key))
    .map((key) => shapes[key]!.shape)
    .filter((shape) => shape.length === 4)
    .sort((a, b) => a[0]! - b[0]!);
  const channels = first?.[1];
  if (!embedDim) return 'it has no head.weight of two axes';
  if (!hidden) return 'it has no block.0.mlp';
  if (!numClasses) return 'its head.weight is empty';
  if (!depth) return 'it has no blocks';
  if (!channels) return 'it has no convolution in patch_embed';
  return { embedDim, depth, numClasses, mlpRatio: hidden / embedDim, channels };
}
