/**
 * The authors' names for the weights of a Spikingformer or Spikformer: every entry of their state_dict, in
 * their order, beside the variable of ours that holds it (the model files of Spikingformer-CML, Spikingformer
 * and Spikformer).
 */
import type * as tf from '@tensorflow/tfjs';
import { show } from '../lib/validate';

/** One entry of the authors' state_dict. */
export interface TorchEntry {
  key: string;
  /** In PyTorch's layout. */
  shape: number[];
  /** Our variable; null where the authors' module is never called, or counts batches. */
  variable: tf.LayerVariable | null;
  /** What a fresh PyTorch module holds where there is no variable. */
  fill: number;
  dtype: 'F32' | 'I64';
}

/** Looks up the variables of one of our layers by their names inside it. */
type Lookup = (path: string) => tf.LayerVariable;

function lookup(layer: tf.layers.Layer): Lookup {
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

function weight(key: string, variable: tf.LayerVariable, rank = 1): TorchEntry {
  const shape = rank === 1 ? (variable.shape as number[]) : torchShape(variable.shape, rank);
  return { key, shape, variable, fill: 0, dtype: 'F32' };
}

/** The names of a convolution or linear map and of its batch norm; the rank of its weight. */
interface MapNames {
  map: string;
  bn: string;
  rank: number;
}

/** `q_conv` and `q_bn`; where the authors wrote a linear map, of rank 2, `q_linear`. */
function named(key: string, rank: number): MapNames {
  return { map: `${key}_${rank === 2 ? 'linear' : 'conv'}`, bn: `${key}_bn`, rank };
}

function mapBN({ map, bn, rank }: MapNames, path: string, get: Lookup, bias = false): TorchEntry[] {
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

/** A LayerNorm that the authors' blocks own and never call. */
function unusedLayerNorm(key: string, channels: number): TorchEntry[] {
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
 * Spikingformer's stages are proj, proj1, ..., in its CIFAR code before CML block0, block1, ...; Spikformer's are
 * proj_conv, proj_conv1, ..., in its CIFAR code with CML block1_conv, block2_conv, ...
 */
function stageNames(tokenizer: tf.layers.Layer, stage: number): MapNames {
  const { order, patchSize } = tokenizer.getConfig();
  const cml = order === 'conv-bn-pool-lif';
  const small = patchSize === 4;
  const number = stage === 0 ? '' : `${stage}`;
  if (tokenizer.getClassName() === 'SpikingTokenizer') {
    return named(small && !cml ? `block${stage}` : `proj${number}`, 4);
  }
  if (small && cml) return named(`block${stage + 1}`, 4);
  return { map: `proj_conv${number}`, bn: `proj_bn${number}`, rank: 4 };
}

function inside(parent: string, { map, bn, rank }: MapNames): MapNames {
  return { map: `${parent}.${map}`, bn: `${parent}.${bn}`, rank };
}

function tokenizerEntries(tokenizer: tf.layers.Layer): TorchEntry[] {
  const get = lookup(tokenizer);
  const stages: [MapNames, string][] = [0, 1, 2, 3].map((stage) => [
    stageNames(tokenizer, stage),
    `stage${stage + 1}/conv_bn`,
  ]);
  stages.push(
    tokenizer.getClassName() === 'SpikingTokenizer'
      ? [stageNames(tokenizer, 4), 'proj']
      : [named('rpe', 4), 'rpe/conv_bn'],
  );
  return stages.flatMap(([names, path]) => mapBN(inside('patch_embed', names), path, get));
}

/** Whether q, k and v have a bias: the authors then wrote every map as a linear one. */
function isLinear(layer: tf.layers.Layer): boolean {
  return layer.getConfig().projection === 'linear';
}

/** Attention's entries below `key`, from weights below `path`. */
function attentionEntries(layer: tf.layers.Layer, key: string, path: string): TorchEntry[] {
  const get = lookup(layer);
  const linear = isLinear(layer);
  const rank = linear ? 2 : 3;
  return [
    ...['q', 'k', 'v'].flatMap((name) =>
      mapBN(named(`${key}${name}`, rank), `${path}${name}`, get, linear),
    ),
    ...mapBN(named(`${key}proj`, rank), `${path}proj`, get, true),
  ];
}

/** @param events Whether the model's input has a time axis: Spikformer's MLP then has convolutions of one axis. */
function blockEntries(block: tf.layers.Layer, index: number, events: boolean): TorchEntry[] {
  const get = lookup(block);
  const key = `block.${index}`;
  const channels = get('attn/q/kernel').shape[0]!;
  const spikformer = block.getClassName() === 'SpikformerBlock';
  const convRank = spikformer && events ? 3 : 4;
  const mlp = (n: number) =>
    mapBN(
      named(`${key}.mlp.${spikformer ? 'fc' : 'mlp'}${n}`, isLinear(block) ? 2 : convRank),
      `mlp/fc${n}`,
      get,
      true,
    );
  return [
    ...unusedLayerNorm(`${key}.norm1`, channels),
    ...attentionEntries(block, `${key}.attn.`, 'attn/'),
    ...unusedLayerNorm(`${key}.norm2`, channels),
    ...mlp(1),
    ...mlp(2),
  ];
}

function headEntries(head: tf.layers.Layer): TorchEntry[] {
  const get = lookup(head);
  return [weight('head.weight', get('kernel'), 2), weight('head.bias', get('bias'))];
}

/** Where a layer stands in its model. */
export interface LayerPlace {
  /** Which of the blocks it is. Default 0. */
  block?: number;
  /** Whether the model takes events. Default false. */
  events?: boolean;
}

const isBlock = (layer: tf.layers.Layer) => /^Spik(ing)?formerBlock$/.test(layer.getClassName());

/** One layer's part of the state_dict. */
export function layerEntries(
  layer: tf.layers.Layer,
  { block = 0, events = false }: LayerPlace = {},
): TorchEntry[] {
  switch (layer.getClassName()) {
    case 'SpikingTokenizer':
    case 'SpikformerTokenizer':
      return tokenizerEntries(layer);
    case 'SpikingformerBlock':
    case 'SpikformerBlock':
      return blockEntries(layer, block, events);
    case 'SpikingSelfAttention':
    case 'SpikformerSelfAttention':
      return attentionEntries(layer, '', '');
    case 'Dense':
      return headEntries(layer);
    case 'InputLayer':
    case 'RateReadout':
      return [];
    default:
      throw new Error(
        `The authors' code has no counterpart of layer ${layer.name} (${layer.getClassName()}); a model of ` +
          'a tokenizer and blocks of Spikingformer or Spikformer, RateReadout and one Dense can be exchanged',
      );
  }
}

/** The whole state_dict of a model that `models.spikingformer` or `models.spikformer` made, or one of the same layers. */
export function torchEntries(model: tf.LayersModel): TorchEntry[] {
  const events = model.inputs[0]?.shape.length === 5;
  let blocks = 0;
  return model.layers.flatMap((layer) =>
    layerEntries(layer, { events, block: isBlock(layer) ? blocks++ : 0 }),
  );
}
