/** Blocks that keep some tokens against TP-Spikformer's modules: spikes of those kept, the gradient of those that pass by. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity } from '../support/layer_parity';

const { qkFormerBlock, spikeDrivenBlock, speds } = spiking.layers;

/** The authors' names of the MLP are those of the code for ImageNet, whose first embedding has three convolutions. */
const stage = { filters: 8, pool: true };
const imageNet = { before: [speds({ stages: [stage, stage, stage] })] };

describeLayerParity([
  ['tp_sdt_block', ({ heads }) => spikeDrivenBlock({ numHeads: heads, keepTokens: 16 })],
  ['tp_qk_block', ({ heads }) => qkFormerBlock({ numHeads: heads, keepTokens: 16 }), imageNet],
]);
