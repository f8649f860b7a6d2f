/**
 * Max-Former (Fang et al., NeurIPS 2025, arXiv 2505.18608): neurons are low-pass filters; max pools in the embeddings,
 * and depthwise convolutions in place of early attention, restore the high frequencies.
 */
import type * as tf from '@tensorflow/tfjs';
import { maxFormerBlock, maxFormerEmbed } from '../layers/maxformer';
import type { Family } from './family';
import { membraneCode, membraneNotes } from './membrane_names';
import {
  conv,
  firstEmbed,
  type MembraneFamily,
  type MembraneNetworkConfig,
  membraneNetwork,
  membraneOptions,
  membranePresets,
  pooled,
  type Stage,
  strided,
} from './membrane_network';
import { attentionEntries, lookup, mapBN } from './torch_names';

/**
 * Options of `maxformer`.
 *
 * @interface
 */
export type MaxFormerConfig = MembraneNetworkConfig;

const attention: Pick<Stage, 'block' | 'hasHeads'> = { block: maxFormerBlock, hasHeads: true };

/** Blocks with a depthwise convolution of that kernel side; null: blocks with an MLP only. */
const depthwise = (kernelSize: number | null): Pick<Stage, 'block' | 'hasHeads'> => ({
  block: ({ numHeads: _, ...config }) => maxFormerBlock({ ...config, kernelSize }),
  hasHeads: false,
});

/** An embedding that also pools on its shortcut. */
const later = (width: number) => ({
  stages: [pooled(width), conv(width)],
  shortcutDownsample: 'pool' as const,
});

const family: MembraneFamily = {
  name: 'maxformer',
  embed: maxFormerEmbed,
  stages: {
    cifar: (d) => [
      { embed: firstEmbed.cifar(d), ...depthwise(null) },
      { embed: later(d / 2), ...depthwise(3) },
      { embed: later(d), ...attention },
    ],
    imagenet: (d) => [
      {
        embed: { stages: [strided(d / 8), strided(d / 4), conv(d / 4)], shortcutFrom: 1 },
        ...depthwise(7),
      },
      { embed: later(d / 2), ...depthwise(5) },
      { embed: later(d), ...attention },
    ],
    events: (d) => [
      { embed: firstEmbed.events(d), ...depthwise(3) },
      { embed: later(d), ...attention },
    ],
  },
};

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`.
 *
 * ```ts
 * const model = spiking.models.maxformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64 });
 * ```
 */
export function maxformer(config: MaxFormerConfig): tf.LayersModel {
  return membraneNetwork(config, family);
}

export const maxformerFamily: Family<MaxFormerConfig> = {
  name: family.name,
  options: membraneOptions,
  create: maxformer,
  notes: membraneNotes,
  presets: membranePresets('maxformer'),
  authors: membraneCode({
    embedClass: 'MaxFormerEmbed',
    blockClass: 'MaxFormerBlock',
    first: {
      cifar: ['proj', 'embed1.embed', 'embed2.embed'],
      imagenet: ['embed1.embed', 'embed2.embed', 'embed3.embed', 'embed4.embed'],
      events: ['proj', 'max_embed1.embed', 'max_embed2.embed', 'max_embed3.embed', 'embed1.embed'],
    },
    later: () => ['max_embed1.embed', 'embed1.embed', 'max_embed2.embed'],
    mixer(block, key) {
      const { numHeads, kernelSize } = block.getConfig();
      // The 7x7 kernels have another name.
      const conv = kernelSize === 7 ? 'conv5' : 'conv';
      const names = { map: `${key}.mixer.${conv}`, bn: `${key}.mixer.${conv}_bn`, rank: 4 };
      return [
        ...(numHeads === null ? [] : attentionEntries(block, 3, `${key}.attn.`, 'mixer/attn/')),
        ...(kernelSize === null ? [] : mapBN(names, 'mixer/conv', lookup(block), true)),
      ];
    },
  }),
};
