/**
 * MS-QKFormer (Fang et al., NeurIPS 2025, arXiv 2505.18608): QKFormer with membrane shortcuts instead of sums of
 * spikes.
 */
import type * as tf from '@tensorflow/tfjs';
import { msqkFormerBlock, msqkFormerEmbed } from '../layers/msqkformer';
import type { Family } from './family';
import { membraneCode, membraneNotes } from './membrane_names';
import {
  conv,
  firstEmbed,
  formOf,
  type MembraneFamily,
  type MembraneNetworkConfig,
  membraneNetwork,
  membraneOptions,
  membranePresets,
  pooled,
  type Stage,
} from './membrane_network';
import { attentionEntries } from './torch_names';

/**
 * Options of `msQkformer`.
 *
 * @interface
 */
export type MSQKFormerConfig = MembraneNetworkConfig;

const blocks = (attention: 'token' | 'full'): Pick<Stage, 'block' | 'hasHeads'> => ({
  block: (config) => msqkFormerBlock({ ...config, attention }),
  hasHeads: true,
});
const [token, full] = [blocks('token'), blocks('full')];

/** An embedding that pools after its last convolution; for ImageNet, after the first. */
const later = (width: number) => ({ stages: [conv(width), pooled(width)] });
const poolingFirst = (width: number) => ({ stages: [pooled(width), conv(width)] });

const family: MembraneFamily = {
  name: 'msQkformer',
  embed: msqkFormerEmbed,
  stages: {
    cifar: (d) => [
      { embed: firstEmbed.cifar(d), ...token },
      { embed: later(d / 2), ...token },
      { embed: later(d), ...full },
    ],
    imagenet: (d) => [
      {
        embed: { stages: [pooled(d / 8), pooled(d / 4), conv(d / 4)], shortcutFrom: 1 },
        ...token,
      },
      { embed: poolingFirst(d / 2), ...token },
      { embed: poolingFirst(d), ...full },
    ],
    events: (d) => [
      { embed: firstEmbed.events(d), ...token },
      { embed: later(d), ...full },
    ],
  },
};

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`.
 *
 * ```ts
 * const model = spiking.models.msQkformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64 });
 * ```
 */
export function msQkformer(config: MSQKFormerConfig): tf.LayersModel {
  return membraneNetwork(config, family);
}

const eventNote =
  'the published code of the event networks stops with a TypeError: their embeddings here are those of the CIFAR code, which has the same weights';

export const msqkformerFamily: Family<MSQKFormerConfig> = {
  name: 'msqkformer',
  options: membraneOptions,
  create: msQkformer,
  notes: (config) => [
    ...membraneNotes(config),
    ...(formOf(config) === 'events' ? [eventNote] : []),
  ],
  presets: membranePresets('msqkformer'),
  authors: membraneCode({
    embedClass: 'MSQKFormerEmbed',
    blockClass: 'MSQKFormerBlock',
    first: {
      cifar: ['proj', 'embed1.embed', 'embed2.embed'],
      imagenet: [
        'proj',
        { map: 'proj_conv1', bn: 'proj_bn1' },
        { map: 'proj_conv2', bn: 'proj_bn2' },
        'rpe',
      ],
      events: ['proj', 'max_embed1.embed', 'max_embed2.embed', 'max_embed3.embed', 'embed1.embed'],
    },
    later: (form) =>
      form === 'imagenet'
        ? ['proj3', 'proj4', 'proj_res']
        : ['embed1.embed', 'max_embed1.embed', 'embed2.embed'],
    mixer(block, key) {
      const factors = block.getConfig().attention === 'full' ? 'qkv' : 'qk';
      return attentionEntries(block, 3, `${key}.attn.`, 'attn/', factors);
    },
  }),
};
