/** Each composite layer against the authors' module: spikes, output, gradients, running statistics. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity, type LayerOf, type Module } from '../support/layer_parity';

const attention: LayerOf = ({ heads, tau }) =>
  spiking.layers.spikingSelfAttention({ numHeads: heads, tau });
const block: LayerOf = ({ heads, tau }) =>
  spiking.layers.spikingformerBlock({ numHeads: heads, tau });
const spikformerAttention: LayerOf = ({ heads, tau }) =>
  spiking.layers.spikformerSelfAttention({ numHeads: heads, tau });
const spikformerBlock: LayerOf = ({ heads, tau }) =>
  spiking.layers.spikformerBlock({ numHeads: heads, tau });
const spikformerTokenizer: LayerOf = ({ embed }) =>
  spiking.layers.spikformerTokenizer({ embedDim: embed });
const tokenizer =
  (patchSize: number, options: spiking.layers.SpikingTokenizerConfig | object = {}): LayerOf =>
  ({ embed }) =>
    spiking.layers.spikingTokenizer({ embedDim: embed, patchSize, ...options });
const downsample =
  (order: spiking.layers.DownsampleOrder): LayerOf =>
  ({ cout }) =>
    spiking.layers.cmlDownsample({ filters: cout, order });

const modules: Module[] = [
  ['down_cml_real', downsample('conv-bn-pool-lif')],
  ['down_cml_spikes', downsample('conv-bn-pool-lif')],
  ['down_lif_then_pool_real', downsample('conv-bn-lif-pool')],
  ['down_lif_then_pool_spikes', downsample('conv-bn-lif-pool')],
  ['ssa_cifar', attention],
  ['ssa_imagenet', attention],
  ['ssa_dvs', attention],
  ['ssa_spikformer', spikformerAttention],
  ['block_cifar', block],
  ['block_imagenet', block],
  ['block_spikformer', spikformerBlock],
  ['tokenizer_cifar', tokenizer(4)],
  ['tokenizer_imagenet', tokenizer(16)],
  ['tokenizer_dvs', tokenizer(16, { tau: 1.75 })],
  ['tokenizer_cifar_without_cml', tokenizer(4, { order: 'conv-bn-lif-pool' })],
  ['tokenizer_sps_spikformer', spikformerTokenizer],
];

describeLayerParity(modules);
