/** The Spike-driven Transformer's parts against the authors' modules: masks with exact ties, pools of spikes, shortcuts. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity, type LayerOf } from '../support/layer_parity';

const { residual, spikeDrivenAttention, spikeDrivenBlock, spikeDrivenMLP, spikeDrivenTokenizer } =
  spiking.layers;

/** The authors' attention has its shortcut in it. */
const attention =
  (dvsMode: boolean): LayerOf =>
  ({ heads }) =>
    residual({ layers: [spikeDrivenAttention({ name: 'attn', numHeads: heads, dvsMode })] });
const tokenizer =
  (poolingStat: string): LayerOf =>
  () =>
    spikeDrivenTokenizer({ embedDim: 16, poolingStat });

describeLayerParity([
  ['sdsa', attention(false)],
  ['sdsa_dvs', attention(true)],
  ['sdt_block', ({ heads }) => spikeDrivenBlock({ numHeads: heads })],
  ['sdt_mlp_ratio1', () => residual({ layers: [spikeDrivenMLP({ name: 'mlp', hiddenRatio: 1 })] })],
  ['sps_0011', tokenizer('0011')],
  ['sps_1111', tokenizer('1111')],
]);
