/** SGLFormer's parts against the authors' modules. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity, type LayerOf } from '../support/layer_parity';
import { sglformerSpikes } from '../support/sglformer_spikes';

const { sglFormerLocalBlock, sglFormerSelfAttention } = spiking.layers;

const attention =
  (reach: 'local' | 'global'): LayerOf =>
  ({ heads }) =>
    sglFormerSelfAttention({ numHeads: heads, reach });

describeLayerParity(
  [
    ['sgl_local_block', () => sglFormerLocalBlock()],
    ['sgl_local_ssa', attention('local')],
    ['sgl_global_ssa', attention('global')],
  ],
  sglformerSpikes,
);
