/** What Max-Former's and MS-QKFormer's blocks mix tokens by, each with its shortcut, against the authors' modules. */
import * as spiking from 'tfjs-spikingformer';
import { attentionEntries, type LayerNames, lookup, mapBN } from '../../models/torch_names';
import { describeLayerParity, type LayerOf } from '../support/layer_parity';

const { depthwiseConvBN, lifNode, qkAttention, residual, spikingSelfAttention } = spiking.layers;

const depthwise = (kernelSize: number) => [
  lifNode({ name: 'lif' }),
  depthwiseConvBN({ name: 'conv', kernelSize, useBias: true }),
];
const full: LayerOf = ({ heads }) => spikingSelfAttention({ name: 'attn', numHeads: heads });
const token: LayerOf = ({ heads }) =>
  qkAttention({ name: 'attn', numHeads: heads, preActivation: true });

const namesOfDepthwise =
  (name: string): LayerNames =>
  (layer) =>
    mapBN({ map: name, bn: `${name}_bn`, rank: 4 }, 'conv', lookup(layer), true);
const namesOf =
  (factors: string): LayerNames =>
  (layer) =>
    attentionEntries(layer, 3, '', 'attn/', factors);

describeLayerParity([
  ['ms_qk_token', (meta) => residual({ layers: [token(meta)] }), {}, namesOf('qk')],
  ['ms_ssa', (meta) => residual({ layers: [full(meta)] }), {}, namesOf('qkv')],
  ['dwc3', () => residual({ layers: depthwise(3) }), {}, namesOfDepthwise('conv')],
  [
    'ssa_dwc',
    (meta) => residual({ layers: [full(meta), ...depthwise(5)] }),
    {},
    (layer, place) => [...namesOf('qkv')(layer, place), ...namesOfDepthwise('dwc')(layer, place)],
  ],
]);
