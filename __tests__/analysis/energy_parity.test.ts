/** The authors' energy log of Spikingformer-8-768 with CML: their figures from their firing rates. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations, energyOf, type OperationCount } from 'tfjs-spikingformer/analysis';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { loadJson } from '../support/fixtures';

interface Log {
  G_MACs: number;
  G_ACs_total: number;
  G_ACs_conv_linear_only: number;
  energy_mJ: number;
  parameters: number;
  ssa_info: { Nheads: number };
  qkv_firing_rates: [q: number, k: number, v: number][];
  conv_linear_layers: { name: string; ops: number; acs: number; spike_rate_percent: number }[];
  check: { ssa_ACs_recomputed: number };
}

const log = loadJson<Log>('energy/cml_spikingformer_8_768');

/** 'block.0.attn.q_conv' -> 'block1/attn/q'. */
function ours(name: string): string {
  const [room, ...rest] = name.replace(/_conv$/, '').split('.');
  if (room === 'head') return 'head';
  if (room === 'patch_embed') {
    const stage = Number(rest[0]!.replace('proj', '') || 0);
    return stage === 4 ? 'tokenizer/proj' : `tokenizer/stage${stage + 1}/conv_bn`;
  }
  const [block, part, map] = rest as [string, string, string];
  return `block${Number(block) + 1}/${part}/${map.replace('mlp', 'fc')}`;
}

/** Their rates, as percents in their log, by our paths; a layer fed with real numbers has none. */
const rates = new Map<string, number>();
for (const { name, acs, spike_rate_percent } of log.conv_linear_layers) {
  if (acs > 0) rates.set(ours(name), spike_rate_percent / 100);
}
log.qkv_firing_rates.forEach((block, i) => {
  block.forEach((rate, j) => {
    rates.set(`block${i + 1}/attn/${'qkv'[j]}_lif`, rate);
  });
});

describe('the energy log of Spikingformer-8-768', () => {
  let count: OperationCount;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    const model = buildFast(() => spiking.models.create('spikingformer-8-768-imagenet'));
    expect(spiking.models.countParameters(model).withUnusedLayerNorms).toBe(log.parameters);
    count = countOperations(model, { attentionHeads: log.ssa_info.Nheads });
    model.dispose();
  });

  test('every convolution and linear map has its operations', () => {
    const counted = new Map(count.layers.map((layer) => [layer.path, layer.operations]));
    expect(log.conv_linear_layers).toHaveLength(54);
    for (const { name, ops } of log.conv_linear_layers) {
      const found = counted.get(ours(name))!;
      expect(Math.abs(found - ops) / ops).toBeLessThan(1e-8); // they print nine digits
    }
    expect(count.layers).toHaveLength(54 + 8); // and eight attentions
    expect(count.uncounted).toEqual([]);
  });

  test('MACs, ACs and energy come out', () => {
    const { totals, layers } = energyOf(count, rates);
    expect(totals.macs).toBe(Math.round(log.G_MACs * 1e9));
    const attention = layers.filter(({ kind }) => kind === 'attention');
    const attentionAcs = attention.reduce((sum, { acs }) => sum + acs, 0);
    const close = (value: number, expected: number) =>
      expect(Math.abs(value / expected - 1)).toBeLessThan(1e-7);
    close(attentionAcs, log.check.ssa_ACs_recomputed);
    close(totals.acs - attentionAcs, log.G_ACs_conv_linear_only * 1e9);
    close(totals.acs, log.G_ACs_total * 1e9);
    close(totals.computeMJ, log.energy_mJ);
    expect(totals.totalMJ).toBe(totals.computeMJ);
  });
});
