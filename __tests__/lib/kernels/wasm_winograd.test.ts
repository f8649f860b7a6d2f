/** The gradient of a 3x3 convolution's input by Winograd's algorithm, against the definition. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { DirectConv } from '../../../lib/kernels/wasm/conv2d';
import { isWorthWinograd } from '../../../lib/kernels/wasm/winograd';
import { type Conv3x3, inputGradient, outShape, WINOGRAD_ERROR } from '../../support/convolution';
import { expectClose, expectEqual, random, runWasm, size } from './wasm_harness';

function gradient(c: Conv3x3, dy: Float32Array, filter: Float32Array): Float32Array {
  const pad = [
    [0, 0],
    [c.padTop, c.padTop],
    [c.padLeft, c.padLeft],
    [0, 0],
  ];
  const filterShape = [3, 3, c.shape[3], c.filters];
  const attrs = { strides: 1, pad, dataFormat: 'NHWC', inputShape: c.shape };
  const data = { dy: [dy, outShape(c)] as const, filter: [filter, filterShape] as const };
  return runWasm('Conv2DBackpropInput', data, attrs)[0]!;
}

/** Numbers around 0, as gradients and weights are. */
const numbers = (length: number, seed: number) => random(length, seed).map((v) => v - 0.3);

const inputs = (c: Conv3x3, seed: number) => {
  const dy = numbers(size(outShape(c)), seed);
  return { dy, filter: numbers(9 * c.shape[3] * c.filters, seed + 1) };
};

function conv({ shape: [batch, outHeight, outWidth, outChannels], ...c }: Conv3x3): DirectConv {
  const [, height, width, channels] = outShape({
    shape: [batch, outHeight, outWidth, outChannels],
    ...c,
  });
  return {
    batch,
    height,
    width,
    channels,
    outHeight,
    outWidth,
    outChannels,
    filterHeight: 3,
    filterWidth: 3,
    spreadHeight: 1,
    spreadWidth: 1,
    padTop: 2 - c.padTop,
    padLeft: 2 - c.padLeft,
  };
}

const usual: Conv3x3 = { shape: [5, 8, 8, 20], filters: 24, padTop: 1, padLeft: 1 };

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('input gradients of 3x3 convolutions on wasm', () => {
  it('take any shape and padding', () => {
    const between = (min: number, max: number) => fc.integer({ min, max });
    fc.assert(
      fc.property(
        fc.tuple(between(4, 9), between(5, 13), between(5, 13), between(16, 23)),
        between(16, 35),
        fc.tuple(between(0, 3), between(0, 3)),
        between(1, 1e6),
        (shape, filters, [padTop, padLeft], seed) => {
          const c: Conv3x3 = { shape, filters, padTop, padLeft };
          fc.pre(isWorthWinograd(conv(c)));
          const { dy, filter } = inputs(c, seed);
          const { dx, size: scale } = inputGradient(c, dy, filter);
          expectClose(gradient(c, dy, filter), dx, WINOGRAD_ERROR, scale);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('take several blocks of tiles and of filters', () => {
    const c: Conv3x3 = { shape: [9, 16, 16, 16], filters: 300, padTop: 1, padLeft: 1 };
    const { dy, filter } = inputs(c, 1);
    const { dx, size: scale } = inputGradient(c, dy, filter);
    expectClose(gradient(c, dy, filter), dx, WINOGRAD_ERROR, scale);
  });

  it('are the same for a sample in any batch', () => {
    const { dy, filter } = inputs(usual, 1);
    const twice = Float32Array.from([...dy, ...dy]);
    const once = gradient(usual, dy, filter);
    const both = gradient({ ...usual, shape: [10, 8, 8, 20] }, twice, filter);
    expectEqual(both.subarray(0, once.length), once);
    expectEqual(both.subarray(once.length), once);
  });

  it('have NaN and infinities where they belong', () => {
    const { dy, filter } = inputs(usual, 1);
    dy[24 * 9] = Infinity;
    dy[24 * 300] = NaN;
    const expected = inputGradient(usual, dy, filter).dx;
    const finite = (v: number) => Number(Number.isFinite(v));
    const dx = gradient(usual, dy, filter);
    expectEqual(dx.map(finite), expected.map(finite));
    expect(expected.map(finite).indexOf(0)).toBe(0);
  });

  it('do not overflow before their sums do', () => {
    const { dy, filter } = inputs(usual, 1);
    const huge = dy.map((v) => (v > 0 ? 1 : -1) * 3e38);
    const small = filter.map((v) => v / 500);
    expectClose(gradient(usual, huge, small), inputGradient(usual, huge, small).dx, 1e-5);
  });

  it('are direct sums if there is little to save', () => {
    expect(isWorthWinograd(conv(usual))).toBe(true);
    expect(isWorthWinograd(conv({ ...usual, filters: 15 }))).toBe(false);
    expect(isWorthWinograd(conv({ ...usual, shape: [3, 8, 8, 20] }))).toBe(false);
    expect(isWorthWinograd(conv({ ...usual, shape: [50, 2, 2, 20] }))).toBe(false);
    expect(isWorthWinograd({ ...conv(usual), spreadWidth: 2 })).toBe(false);
    expect(isWorthWinograd({ ...conv(usual), filterHeight: 5 })).toBe(false);
  });
});
