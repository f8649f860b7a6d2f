/**
 * The authors' names for a Spikingformer's weights: every entry of their state_dict, in their order,
 * beside the variable of ours that holds it (Spikingformer-CML's and Spikingformer's model files).
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

/** A convolution of that rank and its batch norm: `q_conv`, `q_bn`. */
function convBN(key: string, path: string, get: Lookup, rank: number, bias = false): TorchEntry[] {
  return [
    weight(`${key}_conv.weight`, get(`${path}/kernel`), rank),
    ...(bias ? [weight(`${key}_conv.bias`, get(`${path}/bias`))] : []),
    weight(`${key}_bn.weight`, get(`${path}/bn/gamma`)),
    weight(`${key}_bn.bias`, get(`${path}/bn/beta`)),
    weight(`${key}_bn.running_mean`, get(`${path}/bn/moving_mean`)),
    weight(`${key}_bn.running_var`, get(`${path}/bn/moving_variance`)),
    { key: `${key}_bn.num_batches_tracked`, shape: [], variable: null, fill: 0, dtype: 'I64' },
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

/** The authors call the stages proj, proj1, ...; their CIFAR code before CML block0, block1, ... */
function stageKey(tokenizer: tf.layers.Layer, stage: number): string {
  const { order, patchSize } = tokenizer.getConfig();
  if (order === 'conv-bn-lif-pool' && patchSize === 4) return `block${stage}`;
  return stage === 0 ? 'proj' : `proj${stage}`;
}

function tokenizerEntries(tokenizer: tf.layers.Layer): TorchEntry[] {
  const get = lookup(tokenizer);
  const paths = ['stage1/conv_bn', 'stage2/conv_bn', 'stage3/conv_bn', 'stage4/conv_bn', 'proj'];
  return paths.flatMap((path, i) => convBN(`patch_embed.${stageKey(tokenizer, i)}`, path, get, 4));
}

/** Attention's entries below `key`, from weights below `path`. */
function attentionEntries(get: Lookup, key: string, path: string): TorchEntry[] {
  return [
    ...['q', 'k', 'v'].flatMap((name) => convBN(`${key}${name}`, `${path}${name}`, get, 3)),
    ...convBN(`${key}proj`, `${path}proj`, get, 3, true),
  ];
}

function blockEntries(block: tf.layers.Layer, index: number): TorchEntry[] {
  const get = lookup(block);
  const key = `block.${index}`;
  const channels = get('attn/q/kernel').shape[0]!;
  return [
    ...unusedLayerNorm(`${key}.norm1`, channels),
    ...attentionEntries(get, `${key}.attn.`, 'attn/'),
    ...unusedLayerNorm(`${key}.norm2`, channels),
    ...convBN(`${key}.mlp.mlp1`, 'mlp/fc1', get, 4, true),
    ...convBN(`${key}.mlp.mlp2`, 'mlp/fc2', get, 4, true),
  ];
}

function headEntries(head: tf.layers.Layer): TorchEntry[] {
  const get = lookup(head);
  return [weight('head.weight', get('kernel'), 2), weight('head.bias', get('bias'))];
}

/** One layer's part of the state_dict; `block` numbers the blocks. */
export function layerEntries(layer: tf.layers.Layer, block = 0): TorchEntry[] {
  switch (layer.getClassName()) {
    case 'SpikingTokenizer':
      return tokenizerEntries(layer);
    case 'SpikingformerBlock':
      return blockEntries(layer, block);
    case 'SpikingSelfAttention':
      return attentionEntries(lookup(layer), '', '');
    case 'Dense':
      return headEntries(layer);
    case 'InputLayer':
    case 'RateReadout':
      return [];
    default:
      throw new Error(
        `The authors' code has no counterpart of layer ${layer.name} (${layer.getClassName()}); a model of ` +
          'SpikingTokenizer, SpikingformerBlocks, RateReadout and one Dense can be exchanged',
      );
  }
}

/** The whole state_dict of a model that `models.spikingformer` made, or one of the same layers. */
export function torchEntries(model: tf.LayersModel): TorchEntry[] {
  let blocks = 0;
  return model.layers.flatMap((layer) =>
    layerEntries(layer, layer.getClassName() === 'SpikingformerBlock' ? blocks++ : 0),
  );
}
