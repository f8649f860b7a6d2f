/** Depthwise convolutions and both their gradients on every backend, stock layers' too, against the definition. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as spiking from 'tfjs-spikingformer';
import { depthwiseConv2d } from '../../lib/spike_conv';
import { describeEachBackend, onGPU } from '../support/backends';
import { expectForwardClose, expectGradClose } from '../support/compare';
import { expectNoLeak } from '../support/leaks';
import { random, size } from './kernels/wasm_harness';

type Shape4D = [number, number, number, number];
interface Case {
  shape: Shape4D;
  /** Height, width. */
  filter: [number, number];
  /** How many filters each channel has. */
  multiplier?: number;
  strides?: number;
  dilations?: number;
  pad?: 'same' | 'valid' | number;
}

/** The sums of the definition, in float64: y, and for the gradient dy those of x and of the filter. */
function definition({ shape, ...c }: Required<Case>, outShape: Shape4D, values: Float32Array[]) {
  const [x, filter, dy] = values as [Float32Array, Float32Array, Float32Array];
  const [batch, height, width, channels] = shape;
  const [, outHeight, outWidth, outChannels] = outShape;
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    shape,
    [...c.filter, channels, c.multiplier],
    c.strides,
    c.dilations,
    c.pad,
  );
  const [y, dx, dw] = [dy, x, filter].map(({ length }) => new Float64Array(length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let di = 0; di < c.filter[0]; di++)
          for (let dj = 0; dj < c.filter[1]; dj++) {
            const row = i * c.strides + di * c.dilations - padInfo.top;
            const column = j * c.strides + dj * c.dilations - padInfo.left;
            if (row < 0 || column < 0 || row >= height || column >= width) continue;
            for (let k = 0; k < outChannels; k++) {
              const pixel = (b * height + row) * width + column;
              const atX = pixel * channels + Math.floor(k / c.multiplier);
              const atW = (di * c.filter[1] + dj) * outChannels + k;
              const atY = ((b * outHeight + i) * outWidth + j) * outChannels + k;
              y[atY]! += x[atX]! * filter[atW]!;
              dx[atX]! += dy[atY]! * filter[atW]!;
              dw[atW]! += dy[atY]! * x[atX]!;
            }
          }
  return { y, dx, dw };
}

/** As tf.depthwiseConv2d has them. */
function operation({ strides, pad, dilations }: Required<Case>) {
  return (x: tf.Tensor, filter: tf.Tensor) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad, 'NHWC', dilations);
}

function check(given: Case, seed = 1): void {
  const c = { multiplier: 1, strides: 1, dilations: 1, pad: 'same' as const, ...given };
  tf.tidy(() => {
    const make = (shape: Shape4D, seed: number) => tf.tensor4d(random(size(shape), seed), shape);
    const x = make(c.shape, seed);
    const filter = make([...c.filter, c.shape[3], c.multiplier], seed + 1);
    const f = operation(c);
    const y = f(x, filter);
    const dy = make(y.shape, seed + 2);
    const values = [x, filter, dy].map((t) => t.dataSync() as Float32Array);
    const expected = definition(c, y.shape, values);
    const like = (t: tf.Tensor, data: Float64Array) => ({
      shape: t.shape,
      data: Float32Array.from(data),
    });
    const what = JSON.stringify(c);
    const close = { rel_to_max: 1e-5, atol: 1e-6 };
    expectForwardClose(y, like(y, expected.y), `y of ${what}`, close);
    if (c.dilations > 1) return; // tfjs has no gradient of those.
    const [dx, dw] = tf.grads(f)([x, filter], dy) as [tf.Tensor, tf.Tensor];
    expectGradClose(dx, like(x, expected.dx), `dx of ${what}`, close);
    expectGradClose(dw, like(filter, expected.dw), `dw of ${what}`, close);
  });
}

describeEachBackend('depthwise convolution', (backend) => {
  beforeAll(() => tf.dispose(depthwiseConv2d(tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 1, 1]))));
  const gpu = onGPU(backend);

  test('of any shape', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const channels = fc.constantFrom(1, 3, 4, 5, 8, 17, 36);
    fc.assert(
      fc.property(
        fc.record({
          shape: fc.tuple(upTo(3), upTo(11), upTo(11), channels),
          filter: fc.constantFrom<[number, number]>([1, 1], [3, 3], [5, 5], [7, 7], [2, 3], [4, 1]),
        }),
        upTo(1e6),
        check,
      ),
      { numRuns: gpu ? 12 : 100 },
    );
  });

  test('of any stride and padding, with several filters per channel', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const sides = () => fc.integer({ min: 4, max: 11 });
    // tfjs-node refuses padding in numbers.
    const pads: ('same' | 'valid' | number)[] = ['same', 'valid', 0, 1, 3];
    fc.assert(
      fc.property(
        fc.record({
          shape: fc.tuple(upTo(2), sides(), sides(), fc.constantFrom(1, 3, 4, 5, 17)),
          filter: fc.tuple(upTo(4), upTo(4)),
          multiplier: upTo(3),
          strides: upTo(3),
          pad: fc.constantFrom(...(backend === 'tensorflow' ? pads.slice(0, 2) : pads)),
        }),
        upTo(1e6),
        check,
      ),
      { numRuns: gpu ? 12 : 100 },
    );
  });

  test('of the sizes of networks', () => {
    check({ shape: [2, 16, 16, 24], filter: [7, 7] });
    check({ shape: [2, 14, 14, 20], filter: [5, 5] });
    check({ shape: [2, 40, 40, 62], filter: [3, 3] });
    check({ shape: [1, 33, 18, 6], filter: [3, 3], strides: 2 });
  });

  test('dilated', () => {
    const dilated = () => check({ shape: [1, 9, 9, 6], filter: [3, 3], dilations: 2 });
    // TensorFlow has them by oneDNN alone, which it does not use on every processor.
    const hasThem = backend !== 'tensorflow' || process.env.SPIKINGFORMER_TEST_ONEDNN === '1';
    if (hasThem) return dilated();
    try {
      dilated();
    } catch (error) {
      expect((error as Error).message).toMatch('does not support dilations');
    }
  });

  // GPUs make no empty textures.
  (gpu ? test.skip : test)('of an empty batch', () => {
    check({ shape: [0, 4, 4, 5], filter: [3, 3] });
  });

  test('frees what it makes', async () => {
    await expectNoLeak(() => check({ shape: [2, 5, 6, 5], filter: [3, 3], multiplier: 2 }));
  });

  test('zeros hide nothing', () => {
    // One channel each for NaN, Infinity, -Infinity, and one that is finite, far from the padding.
    const poison = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1];
    const spots = (shape: Shape4D, at: number) => {
      const values = random(size(shape), 1).map((v) => (v < 0.5 ? 0 : 1));
      values.set(poison, at);
      return tf.tensor4d(values, shape);
    };
    tf.tidy(() => {
      const c = { shape: [1, 7, 7, 4] as Shape4D, filter: [3, 3] as [number, number] };
      const whole = { ...c, multiplier: 1, strides: 1, dilations: 1, pad: 'same' as const };
      const plain = (shape: Shape4D) => spots(shape, 0).isFinite().toFloat();
      const image = (t: tf.Tensor) => t.slice([0, 1, 1, 0], [1, 5, 5, 4]);
      const filterShape: Shape4D = [3, 3, 4, 1];
      const middle = (3 * 7 + 3) * 4;
      for (const [x, filter, dy] of [
        [spots(c.shape, middle), plain(filterShape), plain(c.shape)],
        [plain(c.shape), spots(filterShape, 16), plain(c.shape)],
        [plain(c.shape), plain(filterShape), spots(c.shape, middle)],
      ] as const) {
        const values = [x, filter, dy].map((t) => t.dataSync() as Float32Array);
        const expected = definition(whole, c.shape, values);
        const [dx, dw] = tf.grads(operation(whole))([x, filter], dy) as [tf.Tensor, tf.Tensor];
        const y = operation(whole)(x, filter);
        // Whether 0 in the padding hides NaN, too, is left open: within, all agree.
        for (const [name, actual, right] of [
          ['y', image(y), image(tf.tensor(Float32Array.from(expected.y), c.shape))],
          ['dx', image(dx), image(tf.tensor(Float32Array.from(expected.dx), c.shape))],
          ['dw', dw, tf.tensor(Float32Array.from(expected.dw), filterShape)],
        ] as const) {
          // A GPU may take NaN and infinities for each other. All that is finite is whole; + 0 makes 0 of -0.
          const kinds = (t: tf.Tensor) =>
            [...t.dataSync()].map((v) => (Number.isFinite(v) || !gpu ? Math.round(v) + 0 : 'not'));
          expect([name, kinds(actual)]).toEqual([name, kinds(right)]);
        }
      }
    });
  });

  test('a stock layer trains', async () => {
    const layer = tf.layers.depthwiseConv2d({
      inputShape: [6, 6, 3],
      kernelSize: 3,
      strides: 2,
      depthMultiplier: 2,
      padding: 'same',
      depthwiseInitializer: tf.initializers.glorotNormal({ seed: 1 }),
    });
    const model = tf.sequential({ layers: [layer] });
    model.compile({ optimizer: tf.train.sgd(0.3), loss: 'meanSquaredError' });
    const x = tf.randomNormal([8, 6, 6, 3], 0, 1, 'float32', 1);
    const target = tf.tidy(() =>
      operation({
        shape: [8, 6, 6, 3],
        filter: [3, 3],
        multiplier: 2,
        strides: 2,
        dilations: 1,
        pad: 'same',
      })(x, tf.randomNormal([3, 3, 3, 2], 0, 0.3, 'float32', 2)),
    );
    const { history } = await model.fit(x, target, { epochs: 12, batchSize: 8, verbose: 0 });
    const losses = history.loss as number[];
    expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.5);
    tf.dispose([x, target]);
    model.dispose();
  });

  test('DepthwiseConvBN at inference is the convolution, then its batch norm', () => {
    tf.tidy(() => {
      const layer = spiking.layers.depthwiseConvBN({ kernelSize: 3, useBias: true });
      const x = tf.randomNormal([2, 2, 6, 5, 3], 0, 1, 'float32', 4);
      layer.apply(x);
      layer.setWeights(
        layer.getWeights().map((w, i) => tf.randomUniform(w.shape, 0.5, 2, 'float32', i + 1)),
      );
      const infer = (x: tf.Tensor) => layer.apply(x, { training: false }) as tf.Tensor;
      const y = infer(x);
      // While gradients are recorded, the two are operations of their own.
      const { value } = tf.valueAndGrad(infer)(x, tf.onesLike(x));
      expectForwardClose(y, value, 'y', { rel_to_max: 1e-5, atol: 1e-6 });
      layer.dispose();
    });
  });

  test('depthwiseConv2d is a sum of shifted images, and so are its gradients', () => {
    tf.tidy(() => {
      const normal = (shape: number[], seed: number) =>
        tf.randomNormal(shape, 0, 1, 'float32', seed);
      const [x, kernel, dy] = [
        normal([4, 6, 5, 3], 1),
        normal([5, 5, 1, 3], 2),
        normal([4, 6, 5, 3], 3),
      ];
      const own = (x: tf.Tensor, kernel: tf.Tensor) =>
        depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D);
      const shifted = (x: tf.Tensor, kernel: tf.Tensor) => {
        const images = tf.pad(x, [
          [0, 0],
          [2, 2],
          [2, 2],
          [0, 0],
        ]);
        const taps = Array.from({ length: 25 }, (_, tap) => {
          const at = [Math.floor(tap / 5), tap % 5];
          const weights = kernel.slice([...at, 0, 0], [1, 1, 1, 3]).reshape([3]);
          return images.slice([0, ...at, 0], x.shape).mul(weights);
        });
        return taps.reduce((sum, tap) => sum.add(tap));
      };
      const close = { rel_to_max: 1e-5, atol: 1e-6 };
      expectForwardClose(own(x, kernel), shifted(x, kernel), 'y', close);
      const [actual, expected] = [own, shifted].map((f) => tf.grads(f)([x, kernel], dy));
      for (const [i, name] of ['dx', 'dw'].entries())
        expectGradClose(actual![i]!, expected![i]!, name, close);
    });
  });
});
