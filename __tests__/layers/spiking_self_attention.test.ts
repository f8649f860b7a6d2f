/** SpikingSelfAttention from the inside: which channels are a head's, and which threshold is whose. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectSpikesEqual } from '../support/compare';
import { seedWeights } from '../support/layer_test';

describeEachBackend('SpikingSelfAttention', () => {
  test.each([
    ['[batch, time, tokens, channels]', [2, 3, 5, 8], 2],
    ['[batch, time, tokens, channels]', [2, 3, 2, 8], 2],
    ['[batch, time, height, width, channels]', [2, 3, 2, 3, 8], 4],
    ['one head', [2, 3, 3, 4], 1],
    ['as many heads as channels', [2, 3, 3, 4], 4],
  ])('%s: channel a headDim + e is channel e of head a', (_, shape, numHeads) => {
    tf.tidy(() => {
      const layer = spiking.layers.spikingSelfAttention({ numHeads, scale: 2, vThreshold: 0.3 });
      const model = tf.sequential({
        layers: [tf.layers.inputLayer({ inputShape: shape.slice(1) }), layer],
      });
      seedWeights(layer);
      const x = tf.randomUniform(shape, 0, 3, 'float32', 3);
      const spikes = spiking.observe(model, x);
      const [q, k, v, attended] = ['q_lif', 'k_lif', 'v_lif', 'attn_lif'].map(
        (name) => spikes.get(`${layer.name}/${name}`)!,
      );
      const [batch, time] = shape as [number, number];
      const channels = shape.at(-1)!;
      const headDim = channels / numHeads;
      const tokens = shape.slice(2, -1).reduce((a, b) => a * b, 1);
      const [qs, ks, vs] = [q!, k!, v!].map((s) => s.dataSync());
      const product = new Float32Array(q!.size);
      for (let step = 0; step < batch * time; step++)
        for (let n = 0; n < tokens; n++)
          for (let m = 0; m < tokens; m++)
            for (let head = 0; head < numHeads; head++) {
              const at = (token: number, e: number) =>
                (step * tokens + token) * channels + head * headDim + e;
              let match = 0;
              for (let e = 0; e < headDim; e++) match += qs![at(n, e)]! * ks![at(m, e)]!;
              for (let d = 0; d < headDim; d++) product[at(n, d)]! += 2 * match * vs![at(m, d)]!;
            }
      const expected = spiking.multiStepLIF(tf.tensor(product, shape), { vThreshold: 0.5 });
      expectSpikesEqual(attended!, expected);
      expect(attended!.sum().dataSync()[0]).toBeGreaterThan(0);
      tf.dispose([...spikes.values()]);
      model.dispose();
    });
  });
});
