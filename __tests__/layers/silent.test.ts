/** Neurons that cannot fire are warned of; those of README's example all fire. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { root } from '../support/process';

const { layers } = spiking;
const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
beforeAll(() => tf.setBackend('cpu'));
beforeEach(() => {
  warn.mockClear();
  tf.engine().startScope();
});
afterEach(() => tf.engine().endScope());
/** What was said of neurons. */
const said = () =>
  warn.mock.calls.map(([text]) => String(text)).filter((t) => t.includes('cannot fire'));

const spikes = (steps: number) => {
  const source = layers.lifNode({ vThreshold: 0.5 });
  return source.apply(tf.ones([1, steps, 3]).mul(2)) as tf.Tensor;
};

test.each([
  ['a LIF of tau 2', () => layers.lifNode(), 4, true],
  ['of a lower threshold', () => layers.lifNode({ vThreshold: 0.9 }), 4, false],
  ['that there is no time to reach', () => layers.lifNode({ vThreshold: 0.9 }), 3, true],
  ['with all of the input', () => layers.lifNode({ decayInput: false }), 4, false],
  ['of a far threshold', () => layers.lifNode({ decayInput: false, vThreshold: 2.5 }), 4, true],
  ['an IF', () => layers.ifNode(), 4, false],
  ['an IF in too few steps', () => layers.ifNode({ vThreshold: 4.5 }), 4, true],
  ['an IF of a stream', () => layers.ifNode({ vThreshold: 4.5, stateful: true }), 4, false],
  ['a learnt time constant', () => layers.parametricLIFNode(), 4, true],
  ['whose rest is high', () => layers.lifNode({ vReset: 0.5 }), 4, false],
] as const)('neurons on spikes: %s', (_, make, steps, silent) => {
  const layer = make() as tf.layers.Layer;
  const fired = (layer.apply(spikes(steps)) as tf.Tensor).max().dataSync()[0]!;
  if (silent) expect(fired).toBe(0);
  expect(said()).toHaveLength(silent ? 1 : 0);
  if (!silent) return;
  expect(said()[0]).toMatch(new RegExp(`^${layer.name} cannot fire: .* vThreshold is .*convBN`));
  layer.apply(spikes(steps));
  expect(said()).toHaveLength(1);
});

test('a bound is what the neuron gives', () => {
  const dead = layers.lifNode({ vThreshold: 0.94 });
  expect((dead.apply(spikes(4)) as tf.Tensor).sum().dataSync()[0]).toBe(0);
  expect(said()[0]).toMatch(/to 0\.9375 at most/);
});

test('real numbers say nothing, and encoders are spikes', () => {
  layers.lifNode().apply(tf.ones([1, 4, 3]));
  expect(said()).toEqual([]);
  for (const encoder of [
    layers.poissonEncoder({ timeSteps: 4 }),
    layers.latencyEncoder({ timeSteps: 4 }),
  ]) {
    layers.lifNode().apply(encoder.apply(tf.fill([1, 3], 0.5)) as tf.Tensor);
  }
  expect(said()).toHaveLength(2);
});

test('fit and observe name the layer inside a block', async () => {
  const make = () =>
    tf.sequential({
      layers: [
        layers.directEncoding({ timeSteps: 2, inputShape: [8, 8, 1] }),
        layers.cmlDownsample({ filters: 8, order: 'conv-bn-lif-pool' }),
        layers.spikingformerBlock({ numHeads: 2, name: 'blocked' }),
        layers.rateReadout(),
        tf.layers.dense({ units: 2 }),
      ],
    });
  const x = tf.randomUniform([4, 8, 8, 1]);
  const trained = make();
  trained.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await trained.fit(x, tf.zeros([4, 2]), { epochs: 2, verbose: 0 });
  const [first] = said();
  expect(first).toMatch(/^blocked\/\S+\/\S+ cannot fire/);
  warn.mockClear();
  const path = first!.split(' ')[0]!;
  expect([...spiking.observe(make(), x).keys()]).toContain(path);
  expect(said()[0]).toBe(first);
});

test("every layer of README's example fires", () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const code = /const model = tf\.sequential\(\);\n[\s\S]*?(?=model\.compile)/.exec(readme)![0];
  const build = new Function('tf', 'spiking', `${code}; return model;`);
  const model: tf.LayersModel = build(tf, spiking);
  const seen = spiking.observe(model, tf.randomUniform([32, 28, 28, 1]), { training: true });
  expect(seen.size).toBeGreaterThan(6);
  for (const [path, s] of seen) expect([path, s.mean().dataSync()[0]! > 0]).toEqual([path, true]);
  expect(said()).toEqual([]);
});
