/** SpikeCLIP's parts against the authors' modules: head, text encoder, blocks of text as released and repaired. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import {
  expectBuffersClose,
  expectForwardClose,
  expectGradClose,
  expectSpikesEqual,
  loadFixture,
  toTensor,
} from '../support/fixtures';
import { load, spikesToOurs, type Variable, variablesOf } from '../support/state_parity';

const { spikeClipTextBlock, spikeClipTextEncoder, timeWeightedSum } = spiking.layers;

/** Gradients by the authors' keys. */
function gradientsOf(entries: readonly Variable[], loss: () => tf.Scalar) {
  const variables = entries.map(({ variable }) => variable.read() as tf.Variable);
  const { grads } = tf.variableGrads(loss, variables);
  return entries.map(({ key, variable }) => [key, grads[variable.name]!] as const);
}

describeEachBackend('SpikeCLIP as its authors wrote it', () => {
  test('time-weighted sum and linear map', () => {
    const fixture = loadFixture('ops/time_weighted_head');
    tf.tidy(() => {
      const x = toTensor(spikesToOurs(fixture.values('features')));
      const g = toTensor(fixture.values('g'));
      const sum = timeWeightedSum({ name: 'time_sum' });
      const head = tf.layers.dense({ name: 'head', units: 12 });
      const model = tf.sequential({
        layers: [tf.layers.inputLayer({ inputShape: [4, 32] }), sum, head],
      });
      const initial = sum.weights[0]!.read();
      expectForwardClose(initial, {
        shape: [4],
        data: Float32Array.from([0.1, 0.2, 0.4, 0.8], Math.log),
      });
      const rename = (entry: Variable) => ({ ...entry, key: entry.key.replace('head', 'proj') });
      const entries = [...variablesOf(sum), ...variablesOf(head).map(rename)];
      load(fixture, entries);
      const run = (input: tf.Tensor) => model.apply(input) as tf.Tensor;
      expectForwardClose(run(x), fixture.values('out'));
      const loss = (input: tf.Tensor) => run(input).mul(g).sum().asScalar();
      expectGradClose(tf.grad(loss)(x), spikesToOurs(fixture.values('grad.features')));
      for (const [key, gradient] of gradientsOf(entries, () => loss(x))) {
        expectGradClose(gradient, fixture.weight(`grad.${key}`), key);
      }
      model.dispose();
    });
  });

  test("the text encoder, behind an embedding that stands for CLIP's", () => {
    const fixture = loadFixture<{ lif: Record<string, unknown> }>('ops/spikeclip_text_published');
    tf.tidy(() => {
      const ids = toTensor(fixture.values('input_ids')).toInt();
      const g = toTensor(fixture.values('g'));
      const tables = ['token', 'position'].map((name) => `clip_embedding.${name}_embedding.weight`);
      const [tokens, positions] = tables.map((key) => toTensor(fixture.values(`state.${key}`)));
      const layer = spikeClipTextEncoder({ outputDim: 8 });
      const model = tf.sequential({
        layers: [tf.layers.inputLayer({ inputShape: [20, 8] }), layer],
      });
      const entries = variablesOf(layer);
      load(fixture, entries);
      const embedded = (table: tf.Tensor, at: tf.Tensor) => tf.gather(table, ids).add(at);
      const x = embedded(tokens!, positions!);
      const spikes = [...spiking.observe(model, x)];
      expect(spikes).toHaveLength(2);
      spikes.forEach(([path, s], i) => {
        expectSpikesEqual(s, spikesToOurs(fixture.values(`lif.mlp_lif${i + 1}`)), path);
      });
      for (const training of [true, false]) {
        const run = (input: tf.Tensor) => model.apply(input, { training }) as tf.Tensor;
        expectForwardClose(run(x), fixture.values('out'));
        const loss = (input: tf.Tensor) => run(input).mul(g).sum().asScalar();
        for (const [key, gradient] of gradientsOf(entries, () => loss(x))) {
          expectGradClose(gradient, fixture.weight(`grad.${key}`), key);
        }
        const dx = tf.grad(loss)(x); // to the tables, as PyTorch's embeddings have it
        const rows = tf.scatterND(ids.reshape([-1, 1]), dx.reshape([-1, 8]), tokens!.shape);
        expectGradClose(rows, fixture.values(`grad.${tables[0]}`), tables[0]);
        expectGradClose(dx.sum(0), fixture.values(`grad.${tables[1]}`), tables[1]);
      }
      model.dispose();
    });
  });

  describe.each(['released', 'fixed'] as const)('a block of text, %s', (kind) => {
    const fixture = loadFixture<{ heads: number; modes: Record<string, { lif: object }> }>(
      `ops/spikeclip_text_block_${kind}`,
    );
    const activation = (name: string) => spikesToOurs(fixture.values(name));

    test.each(['train', 'eval'])('%s', (mode) => {
      tf.tidy(() => {
        const training = mode === 'train';
        const [x, g] = ['x', 'g'].map((name) => toTensor(activation(name)));
        const mask = toTensor(fixture.values('attention_mask'));
        const layer = spikeClipTextBlock({
          numHeads: fixture.meta.heads,
          normLayout: kind === 'fixed' ? 'tokens' : 'released',
        });
        const run = (input: tf.Tensor) => layer.apply(input, { training, mask }) as tf.Tensor;
        layer.apply(tf.input({ shape: x!.shape.slice(1) }));
        const entries = variablesOf(layer).map((entry) => ({
          ...entry,
          key: `inner.${entry.key}`,
        }));
        load(fixture, entries);
        const learnt = entries.filter(({ variable }) => variable.trainable);

        // A model has no way to pass on a mask that no layer of it makes.
        const model = { layers: [layer], apply: run };
        const spikes = [...spiking.observe(model as never, x!, { training })];
        const lifs = Object.keys(fixture.meta.modes[mode]!.lif);
        expect(spikes).toHaveLength(lifs.length);
        spikes.forEach(([path, s], i) => {
          expectSpikesEqual(s, activation(`${mode}.lif.${lifs[i]}`), path);
          s.dispose();
        });
        load(fixture, entries);
        const before = layer.getWeights().map((weight) => weight.clone());
        expectForwardClose(run(x!), activation(`${mode}.out`));
        for (const { key, variable } of entries.filter((entry) => !learnt.includes(entry))) {
          const expected = training ? `train.buffer.${key}` : `state.${key}`;
          expectBuffersClose(variable.read(), fixture.values(expected), key);
        }
        const loss = (input: tf.Tensor) => run(input).mul(g!).sum().asScalar();
        layer.setWeights(before);
        expectGradClose(tf.grad(loss)(x!), activation(`${mode}.grad_input`), 'input');
        layer.setWeights(before);
        for (const [key, gradient] of gradientsOf(learnt, () => loss(x!))) {
          expectGradClose(gradient, fixture.weight(`${mode}.grad.${key}`), key);
        }
        layer.dispose();
      });
    });
  });
});
