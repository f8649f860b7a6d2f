/** QKFormer's parts against the authors' modules; channel attention against the paper's formula. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity, type LayerOf } from '../support/layer_parity';

const { qkAttention, speds, spikformerSelfAttention } = spiking.layers;

const attention =
  (maskAxis: 'token' | 'channel'): LayerOf =>
  ({ heads }) =>
    qkAttention({ numHeads: heads, maskAxis });
const fullAttention =
  (projLifAxis: 'time' | 'released'): LayerOf =>
  ({ heads }) =>
    spikformerSelfAttention({ numHeads: heads, projection: 'conv', projLifAxis });
/** Stages as shares of the width E, 'pooled' or not. */
const embedding =
  (shares: [share: number, pool: boolean][], shortcutFrom = 0): LayerOf =>
  ({ E }) =>
    speds({ stages: shares.map(([share, pool]) => ({ filters: E * share, pool })), shortcutFrom });

/** A model's later stages have an embedding before them. */
const later = { before: [speds({ stages: [{ filters: 1, pool: true }] })] };

describeLayerParity([
  ['qk_token', attention('token')],
  ['paper_qk_channel', attention('channel')],
  ['qk_ssa_fixed', fullAttention('time')],
  ['qk_ssa_released', fullAttention('released')],
  [
    'speds_cifar_init',
    embedding(
      [
        [0.5, false],
        [1, false],
      ],
      1,
    ),
  ],
  [
    'speds_cifar_stage',
    embedding([
      [1, false],
      [1, true],
    ]),
    later,
  ],
  [
    'speds_imagenet_init',
    embedding(
      [
        [0.5, true],
        [1, true],
        [1, false],
      ],
      1,
    ),
  ],
  [
    'speds_imagenet_stage',
    embedding([
      [1, true],
      [1, false],
    ]),
    later,
  ],
  [
    'speds_dvs_init',
    embedding(
      [
        [1 / 8, false],
        [1 / 4, true],
        [1 / 2, true],
        [1, true],
      ],
      2,
    ),
  ],
]);
