/** Token embeddings: which spikes, which gradients, what is left out as padding, and which ids are refused. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend, onGPU } from '../support/backends';
import { expectForwardClose, expectGradClose } from '../support/fixtures';
import { seedWeights } from '../support/layer_test';

const { layers } = spiking;

function built(options: Partial<spiking.layers.TokenEmbeddingConfig> = {}, table?: number[][]) {
  const layer = layers.tokenEmbedding({ vocabSize: 3, embedDim: 2, timeSteps: 2, ...options });
  layer.apply(tf.input({ shape: [4], dtype: 'int32' }));
  if (table) tf.tidy(() => layer.setWeights([tf.tensor2d(table)]));
  return layer;
}

const ids = (rows: number[][]) => tf.tensor2d(rows, undefined, 'int32');

describeEachBackend('tokenEmbedding', (backend) => {
  test('fires where the row is at least 0, at every time step', () => {
    tf.tidy(() => {
      const layer = built({}, [[0, -1], [-0.5, 2], [3, 4]]); // biome-ignore format: a table
      const spikes = layer.apply(ids([[0, 1, 2, 1]])) as tf.Tensor;
      const step = [[1, 0], [0, 1], [1, 1], [0, 1]]; // biome-ignore format: tokens
      expect(spikes.arraySync()).toEqual([[step, step]]);
      expect((layer.apply(ids([[0, 1, 2, 1]]).toFloat()) as tf.Tensor).arraySync()).toEqual([
        [step, step],
      ]);
      layer.dispose();
    });
  });

  test('adds up the gradients of equal ids and of time steps, through the surrogate', () => {
    tf.tidy(() => {
      const table = [[0, -1], [-0.5, 2], [3, 4]]; // biome-ignore format: a table
      const layer = built({}, table);
      const g = tf.randomNormal([1, 2, 4, 2], 0, 1, 'float32', 5);
      const variable = layer.weights[0]!.read() as tf.Variable;
      const { grads } = tf.variableGrads(
        () => (layer.apply(ids([[0, 1, 1, 1]])) as tf.Tensor).mul(g).sum(),
        [variable],
      );
      const perToken = g.sum(1).squeeze([0]).arraySync() as number[][];
      const sums = [perToken[0]!, [1, 2, 3].map((i) => perToken[i]!).reduce(([a, b], [c, d]) => [a! + c!, b! + d!]), [0, 0]]; // biome-ignore format: rows
      const expected = table.map((row, i) =>
        row.map((u, j) => sums[i]![j]! / (1 + (Math.PI * u) ** 2)),
      );
      expectGradClose(Object.values(grads)[0]!, {
        shape: [3, 2],
        data: Float32Array.from(expected.flat()),
      });
      layer.dispose();
    });
  });

  test.each<[number[][], string]>([
    [
      [[0, 1, 2, 3]],
      "ids[0][3] must be a whole number from 0 to 2, one of the vocabulary's 3 tokens, but got 3",
    ],
    [
      [
        [0, 1, 2, 1],
        [0, -1, 0, 0],
      ],
      'ids[1][1] must be a whole number from 0 to 2',
    ],
  ])('names ids outside the vocabulary: %j', (rows, message) => {
    const layer = built();
    const x = ids(rows);
    // A GPU would have to be waited for at every call; there its user checks the numbers.
    if (onGPU(backend)) {
      expect(() => spiking.checkTokenIds(rows.flat(), x.shape, 3)).toThrow(message);
    } else expect(() => layer.apply(x)).toThrow(message);
    x.dispose();
    layer.dispose();
  });

  test('refuses fractions, empty sentences, sentences of padding alone, and other lengths than its positions', () => {
    tf.tidy(() => {
      const layer = built({ padId: 0, positions: true });
      const refuses = (x: tf.Tensor, message: string) =>
        expect(() => layer.apply(x)).toThrow(message);
      if (!onGPU(backend)) {
        refuses(tf.tensor2d([[0, 1.5, 0, 0]]), 'ids[0][1] must be a whole number');
        refuses(
          ids([[0, 0, 1, 0], [0, 0, 0, 0]]), // biome-ignore format: sentences
          "ids[1] must be a sentence of at least one token, but got 'padding alone'",
        );
      }
      refuses(tf.zeros([1, 0], 'int32'), 'ids of shape [batch, 4 tokens');
      refuses(ids([[1, 2]]), 'ids of shape [batch, 4 tokens, one per learned position]');
      refuses(tf.zeros([4], 'int32'), 'ids of shape');
      expect(() => built().apply(tf.zeros([1, 0], 'int32'))).toThrow('but got [1,0]');
      layer.dispose();
    });
  });

  test.each<[object, string]>([
    [{ vocabSize: 0 }, 'vocabSize must be a positive integer, but got 0'],
    [{ embedDim: 1.5 }, 'embedDim must be a positive integer, but got 1.5'],
    [{ padId: 3 }, 'padId must be null or a whole number from 0 to 2, but got 3'],
    [{ positions: 1 }, 'positions must be true or false, but got 1'],
    [{ surrogate: 'step' }, 'surrogate must be one of'],
    [{ length: 4 }, "TokenEmbedding has no option 'length'"],
  ])('refuses %j', (options, message) => {
    expect(() => built(options)).toThrow(message);
  });
});

describeEachBackend('masks', () => {
  const x = () => tf.randomUniform([2, 3, 4, 6], -1, 3, 'float32', 3);
  const mask = (...rows: number[][]) => tf.tensor2d(rows);

  test.each(['spikeBertSelfAttention', 'spikingSelfAttention', 'spikformerSelfAttention'] as const)(
    '%s: what stands at padding changes no other token',
    (name) => {
      tf.tidy(() => {
        const layer = layers[name]({ numHeads: 2, attnVThreshold: 0.05, vThreshold: 0.2 });
        layer.apply(x());
        seedWeights(layer);
        const half = mask([1, 1, 0, 1], [1, 1, 1, 1]);
        const [first, second] = tf.split(x(), 2);
        const other = tf.concat([first!.mul(tf.tensor4d([1, 1, -2, 1], [1, 1, 4, 1])), second!]);
        const at = (y: tf.Tensor) => tf.gather(y, [0, 1, 3], 2).dataSync();
        const run = (y: tf.Tensor, kwargs: object) => layer.apply(y, kwargs) as tf.Tensor;
        expect(at(run(other, { mask: half }))).toEqual(at(run(x(), { mask: half })));
        expect(at(run(other, {}))).not.toEqual(at(run(x(), {})));
        const all = mask([1, 1, 1, 1], [1, 1, 1, 1]);
        expect(run(x(), { mask: all }).dataSync()).toEqual(run(x(), {}).dataSync());
        layer.dispose();
      });
    },
  );

  test('tokenMean and rateReadout leave padding out', () => {
    tf.tidy(() => {
      const some = mask([1, 0, 0, 1], [1, 1, 1, 1]);
      const [first, second] = tf.split(x(), 2);
      const expected = tf.concat([tf.gather(first!, [0, 3], 2).mean(2), second!.mean(2)]);
      const mean = layers.tokenMean().apply(x(), { mask: some }) as tf.Tensor;
      expectForwardClose(mean, expected);
      const rate = layers.rateReadout().apply(x(), { mask: some }) as tf.Tensor;
      expectForwardClose(rate, expected.mean(1));
    });
  });

  test.each<[string, () => unknown]>([
    ['[2,3]', () => mask([1, 1, 1], [1, 1, 1])],
    ['[1,4]', () => mask([1, 1, 1, 1])],
    ["'all'", () => 'all'],
  ])('of another length are refused: %s', (shown, make) => {
    tf.tidy(() => {
      const layer = layers.spikeBertBlock({ numHeads: 2 });
      expect(() => layer.apply(x(), { mask: make() })).toThrow(
        `mask must be a tensor of shape [2, 4], one number per token, but got ${shown}`,
      );
      layer.dispose();
    });
  });
});
