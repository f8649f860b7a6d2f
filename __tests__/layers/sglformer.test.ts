/** SGLFormer's parts where no fixture looks: images of odd sides, costs, and the readout's weights. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations } from 'tfjs-spikingformer/analysis';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, expectSpikesEqual } from '../support/compare';
import { seedWeights } from '../support/layer_test';

const { layers } = spiking;
const [height, width, channels] = [5, 4, 8];

/** Local attention of an image of odd height, by its definition: pixel by pixel, those of equal parity. */
function byDefinition(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, heads: number, scale: number) {
  const size = channels / heads;
  const at = (x: tf.Tensor) => x.arraySync() as number[][][][][];
  const [Q, K, V] = [at(q), at(k), at(v)];
  const result = tf.buffer(q.shape as [number, number, number, number, number]);
  for (const [n, steps] of Q.entries()) {
    for (const [t, rows] of steps.entries()) {
      for (let p = 0; p < height * width; p++) {
        const [y, x] = [Math.floor(p / width), p % width];
        for (let j = y % 2; j < height; j += 2) {
          for (let i = x % 2; i < width; i += 2) {
            for (let c = 0; c < channels; c++) {
              const head = Math.floor(c / size) * size;
              let product = 0;
              for (let e = head; e < head + size; e++) {
                product += rows[y]![x]![e]! * K[n]![t]![j]![i]![e]!;
              }
              const value = scale * product * V[n]![t]![j]![i]![c]!;
              result.set(result.get(n, t, y, x, c) + value, n, t, y, x, c);
            }
          }
        }
      }
    }
  }
  return result.toTensor();
}

describeEachBackend('parts of an SGLFormer', () => {
  test('local attention of an odd side is that of pixels of equal parity', () => {
    const options = { numHeads: 2, scale: 0.5, attnVThreshold: 0.2, vThreshold: 0.3 };
    const layer = layers.sglFormerSelfAttention({ ...options, reach: 'local', name: 'attn' });
    const model = tf.sequential();
    model.add(tf.layers.inputLayer({ inputShape: [2, height, width, channels] }));
    model.add(layer);
    seedWeights(layer);
    tf.tidy(() => {
      const x = tf.randomUniform([3, 2, height, width, channels], 0, 3, 'float32', 4).floor();
      const spikes = spiking.observe(model, x);
      const [q, k, v, attn] = ['q', 'k', 'v', 'attn'].map(
        (name) => spikes.get(`attn/${name}_lif`)!,
      );
      const product = byDefinition(q!, k!, v!, 2, 0.5);
      expect(product.max().dataSync()[0]).toBeGreaterThan(0.5);
      const { spikes: expected } = spiking.multiStepLIFState(product, { vThreshold: 0.2 });
      expectSpikesEqual(attn!, expected, 'attn_lif');
      tf.dispose([...spikes.values()]);
    });
    model.dispose();
  });

  test('local attention counts the tokens of each group', () => {
    const count = (reach: 'local' | 'global') => {
      const layer = layers.sglFormerSelfAttention({ numHeads: 2, reach, name: 'attn' });
      const model = tf.sequential();
      model.add(tf.layers.inputLayer({ inputShape: [2, height, width, channels] }));
      model.add(layer);
      const { layers: rows } = countOperations(model);
      model.dispose();
      return rows.find(({ path }) => path === 'attn/product')!.operations;
    };
    // 2 products, 2 steps, 2 heads of 4 channels; groups of 6, 6, 4 and 4 pixels, heads narrower than all or as wide.
    expect(count('local')).toBe(2 * 2 * 2 * 4 * (6 * 4 + 6 * 4 + 4 * 4 + 4 * 4));
    expect(count('global')).toBe(2 * 2 * 2 * 4 * 20 * 4);
  });

  test('the readout weighs tokens and time steps, and counts them', () => {
    const readout = layers.sglFormerReadout({ name: 'readout' });
    const model = tf.sequential();
    model.add(tf.layers.inputLayer({ inputShape: [3, 2, 2, 2] }));
    model.add(readout);
    tf.tidy(() => {
      const kernel = tf.randomNormal([4, 3, 1, 2], 0, 1, 'float32', 1);
      const bias = tf.tensor1d([0.5, -1]);
      const statistics = [tf.tensor1d([2, 3]), tf.zeros([2]), tf.zeros([2]), tf.ones([2])];
      model.setWeights([kernel, bias, ...statistics]);
      const x = tf.randomNormal([2, 3, 2, 2, 2], 0, 1, 'float32', 2);
      const weighted = x.reshape([2, 3, 4, 2]).mul(kernel.reshape([4, 3, 2]).transpose([1, 0, 2]));
      const sums = weighted.sum([1, 2]).add(bias);
      const expected = sums.mul(statistics[0]!).div(Math.sqrt(1 + 1e-5));
      expectForwardClose(model.predict(x) as tf.Tensor, expected);
      const train = () => readout.apply(x.slice(0, 1), { training: true });
      expect(train).toThrow('at least 2 values per channel in training');
    });
    const { layers: rows, uncounted } = countOperations(model);
    expect(uncounted).toEqual([]);
    expect(rows).toMatchObject([
      { path: 'readout', kind: 'convolution', operations: 2 * 13, timeSteps: 3, outputs: 2 },
    ]);
    model.dispose();
  });
});
