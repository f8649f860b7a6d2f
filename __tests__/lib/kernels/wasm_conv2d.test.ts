/** Convolutions and both their gradients on wasm, against the definition. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { threadedInputGradient } from '../../../lib/kernels/wasm/conv2d_backprop';
import type { BackendWasm } from '../../../lib/tfjs_internals';
import { expectClose, random, randomData, runWasm, size } from './wasm_harness';

type Shape4D = [number, number, number, number];
type Padding = Parameters<typeof tf.backend_util.computeConv2DInfo>[4];

interface Case {
  shape: Shape4D;
  filterShape: Shape4D;
  strides: [number, number];
  pad: Padding;
  /** How many of x are zero, as spikes mostly are. */
  zeros?: number;
}

function reference(
  x: Float32Array,
  filter: Float32Array,
  dy: Float32Array,
  { shape, filterShape, strides, pad }: Case,
) {
  const info = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad);
  const [batch, height, width, channels] = shape;
  const [filterHeight, filterWidth, , outChannels] = filterShape;
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(filter.length);
  for (let b = 0; b < batch; b++)
    for (let oh = 0; oh < info.outHeight; oh++)
      for (let ow = 0; ow < info.outWidth; ow++)
        for (let kh = 0; kh < filterHeight; kh++)
          for (let kw = 0; kw < filterWidth; kw++) {
            const h = oh * strides[0] - info.padInfo.top + kh;
            const w = ow * strides[1] - info.padInfo.left + kw;
            if (h < 0 || w < 0 || h >= height || w >= width) continue;
            for (let ci = 0; ci < channels; ci++)
              for (let co = 0; co < outChannels; co++) {
                const atX = ((b * height + h) * width + w) * channels + ci;
                const atW = ((kh * filterWidth + kw) * channels + ci) * outChannels + co;
                const atY = ((b * info.outHeight + oh) * info.outWidth + ow) * outChannels + co;
                y[atY]! += x[atX]! * filter[atW]!;
                dx[atX]! += dy[atY]! * filter[atW]!;
                dw[atW]! += dy[atY]! * x[atX]!;
              }
          }
  return { y, dx, dw };
}

function check(c: Case, seed = 1) {
  const { shape, filterShape, strides, pad } = c;
  const { outShape } = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad);
  const keep = random(size(shape), seed + 9, 1).map((v) => (v + 0.35 >= (c.zeros ?? 0) ? 1 : 0));
  const x = random(size(shape), seed).map((v, i) => v * keep[i]!);
  const filter = random(size(filterShape), seed + 1);
  const dy = random(size(outShape), seed + 2);
  const expected = reference(x, filter, dy, c);
  const attrs = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: undefined };
  // Strided ones are tfjs's, which are wrong for padding 'same' where the stride exceeds the filter.
  if (strides[0] * strides[1] === 1) {
    const [y] = runWasm(
      'Conv2D',
      { x: [x, shape], filter: [filter, filterShape] },
      { ...attrs, dilations: 1 },
    );
    expectClose(y!, expected.y, 1e-5);
  }
  const [dx] = runWasm(
    'Conv2DBackpropInput',
    { dy: [dy, outShape], filter: [filter, filterShape] },
    { ...attrs, inputShape: shape },
  );
  expectClose(dx!, expected.dx, 1e-5);
  const [dw] = runWasm(
    'Conv2DBackpropFilter',
    { x: [x, shape], dy: [dy, outShape] },
    { ...attrs, filterShape },
  );
  expectClose(dw!, expected.dw, 1e-5);
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('wasm convolutions', () => {
  it.each([0, 0.6, 0.9, 1])('takes an input of which %f are zero', (zeros) => {
    check({
      shape: [3, 8, 8, 16],
      filterShape: [3, 3, 16, 40],
      strides: [1, 1],
      pad: 'same',
      zeros,
    });
    check({
      shape: [3, 8, 8, 16],
      filterShape: [1, 1, 16, 40],
      strides: [1, 1],
      pad: 'same',
      zeros,
    });
    check({ shape: [2, 9, 7, 6], filterShape: [3, 2, 6, 5], strides: [2, 3], pad: 'same', zeros });
  });

  it('takes images that are worked through in several blocks', () => {
    check({ shape: [1, 70, 64, 12], filterShape: [3, 3, 12, 20], strides: [1, 1], pad: 'same' });
    check({
      shape: [1, 70, 64, 12],
      filterShape: [3, 3, 12, 20],
      strides: [1, 1],
      pad: 'same',
      zeros: 0.9,
    });
    check({ shape: [40, 4, 4, 32], filterShape: [3, 3, 32, 32], strides: [1, 1], pad: 'same' });
    check({
      shape: [40, 4, 4, 32],
      filterShape: [3, 3, 32, 32],
      strides: [1, 1],
      pad: 'same',
      zeros: 0.8,
    });
  });

  it('takes any shape, stride and padding', () => {
    const padding = fc.oneof(
      fc.constantFrom<Padding>('same', 'valid', 0, 1),
      fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 3 }))).map(
        ([t, b, l, r]): Padding => [
          [0, 0],
          [t!, b!],
          [l!, r!],
          [0, 0],
        ],
      ),
    );
    const small = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.tuple(
          small(3),
          fc.integer({ min: 4, max: 11 }),
          fc.integer({ min: 4, max: 11 }),
          small(10),
        ),
        fc.tuple(small(4), small(4), small(19)),
        fc.tuple(small(3), small(3)),
        padding,
        fc.constantFrom(0, 0.8),
        small(1e6),
        (shape, [height, width, channels], strides, pad, zeros, seed) => {
          check(
            { shape, filterShape: [height, width, shape[3], channels], strides, pad, zeros },
            seed,
          );
        },
      ),
      { numRuns: 120 },
    );
  });

  it('adds the gradient of a filter to the same bits, whether its input is spikes or their double', () => {
    const small = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.tuple(small(3), small(9), small(9), small(70)),
        small(70),
        fc.constantFrom(1, 3),
        fc.constantFrom(0.35, 0.5),
        small(1e6),
        (shape, filters, side, zeros, seed) => {
          const x = random(size(shape), seed, 1).map((v) => (v > zeros ? 1 : 0));
          const dy = randomData([...shape.slice(0, 3), filters], seed + 1);
          const attrs = {
            strides: 1,
            pad: 'same',
            dataFormat: 'NHWC',
            filterShape: [side, side, shape[3], filters],
          };
          const gradient = (of: Float32Array) =>
            runWasm('Conv2DBackpropFilter', { x: [of, shape], dy }, attrs)[0]!;
          expectClose(
            gradient(x.map((v) => 2 * v)),
            gradient(x).map((v) => 2 * v),
            0,
            0,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives zero filter gradients for an empty batch', () => {
    const attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 2, 2] };
    const [dw] = runWasm(
      'Conv2DBackpropFilter',
      { x: [[], [0, 4, 4, 2]], dy: [[], [0, 4, 4, 2]] },
      attrs,
    );
    expectClose(dw!, new Float32Array(36), 0, 0);
  });

  it('leaves strided and dilated forward convolutions to tfjs', () => {
    const data = { x: randomData([2, 9, 9, 3], 1), filter: randomData([3, 3, 3, 4], 2) };
    const attrs = { strides: 1, dilations: 2, pad: 'valid', dataFormat: 'NHWC' };
    const expected = tf.conv2d(
      tf.tensor4d(data.x[0] as Float32Array, [2, 9, 9, 3]),
      tf.tensor4d(data.filter[0] as Float32Array, [3, 3, 3, 4]),
      1,
      'valid',
      'NHWC',
      2,
    );
    expectClose(runWasm('Conv2D', data, attrs)[0]!, expected.dataSync(), 1e-6);
    expected.dispose();
  });

  it.each(['same', 'valid', 1] as const)(
    'has an input gradient for threads with padding %s',
    (pad) => {
      const inputShape: Shape4D = [2, 7, 6, 3];
      const filter = tf.tensor4d(random(60, 1), [2, 2, 3, 5]);
      const { outShape } = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, 1, 1, pad);
      const dy = tf.tensor4d(random(size(outShape), 2), outShape);
      const attrs = { strides: 1, pad, dataFormat: 'NHWC' as const, inputShape };
      const backend = tf.backend() as unknown as BackendWasm;
      const before = tf.backend().numDataIds();
      const dx = threadedInputGradient({ dy, filter }, backend, attrs);
      const [expected] = runWasm(
        'Conv2DBackpropInput',
        { dy: [dy.dataSync(), outShape], filter: [filter.dataSync(), filter.shape] },
        attrs,
      );
      expectClose(tf.backend().readSync(dx.dataId) as Float32Array, expected!, 1e-5);
      backend.disposeData(dx.dataId);
      expect(tf.backend().numDataIds()).toBe(before);
      tf.dispose([filter, dy]);
    },
  );

  it('says that the filter gradient wants channels last', () => {
    const attrs = { strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [1, 1, 2, 2] };
    expect(() =>
      runWasm(
        'Conv2DBackpropFilter',
        { x: randomData([1, 2, 3, 3], 1), dy: randomData([1, 2, 3, 3], 2) },
        attrs,
      ),
    ).toThrow(`Conv2DBackpropFilter: dataFormat must be 'NHWC' on wasm, but got 'NCHW'`);
  });
});
