/** Max pooling on wasm: the gradient goes to the first maximum, be it positive or not. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expectEqual, random, runWasm, size } from './wasm_harness';

interface Pool {
  shape: number[];
  pool: [number, number];
  strides: [number, number];
  top: number;
  left: number;
  out: [number, number];
}

function reference(x: Float32Array, dy: Float32Array | undefined, p: Pool) {
  const [batch, height, width, channels] = p.shape as [number, number, number, number];
  const [outHeight, outWidth] = p.out;
  const y = new Float32Array(batch * outHeight * outWidth * channels);
  const dx = new Float32Array(x.length);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let oh = 0; oh < outHeight; oh++)
      for (let ow = 0; ow < outWidth; ow++)
        for (let c = 0; c < channels; c++, at++) {
          let best = -1;
          for (let i = 0; i < p.pool[0]; i++)
            for (let j = 0; j < p.pool[1]; j++) {
              const h = oh * p.strides[0] - p.top + i;
              const w = ow * p.strides[1] - p.left + j;
              if (h < 0 || w < 0 || h >= height || w >= width) continue;
              const here = ((b * height + h) * width + w) * channels + c;
              if (best < 0 || x[here]! > x[best]!) best = here;
            }
          y[at] = x[best]!;
          if (dy) dx[best] = Math.fround(dx[best]! + dy[at]!);
        }
  return { y, dx };
}

/** Few different values, none above 0: ties everywhere. */
const tied = (length: number, seed: number) =>
  random(length, seed, 4).map((v) => -Math.abs(Math.round(v)));

function checkFirst(
  shape: number[],
  poolSize: number,
  strides: number,
  padding: number,
  seed: number,
) {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const side = (n: number) => Math.floor((n + 2 * padding - poolSize) / strides) + 1;
  const out: [number, number] = [side(height), side(width)];
  const outShape = [batch, ...out, channels];
  const p: Pool = {
    shape,
    pool: [poolSize, poolSize],
    strides: [strides, strides],
    top: padding,
    left: padding,
    out,
  };
  const attrs = { poolSize, strides, padding };
  for (const x of [tied(size(shape), seed), random(size(shape), seed)]) {
    const dy = random(size(outShape), seed + 1);
    const expected = reference(x, dy, p);
    expectEqual(runWasm('FirstMaxPool', { x: [x, shape] }, attrs)[0]!, expected.y);
    expectEqual(
      runWasm('FirstMaxPoolGrad', { dy: [dy, outShape], x: [x, shape] }, attrs)[0]!,
      expected.dx,
    );
  }
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('wasm max pooling', () => {
  it.each([1, 2, 3, 4, 5, 8, 13])('pools %i channels', (channels) => {
    checkFirst([2, 8, 8, channels], 3, 2, 1, channels);
    checkFirst([2, 7, 9, channels], 2, 2, 0, channels);
  });

  it('pools windows of any size, stride and padding', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 2 }),
        fc.tuple(
          fc.integer({ min: 5, max: 12 }),
          fc.integer({ min: 5, max: 12 }),
          fc.integer({ min: 1, max: 9 }),
        ),
        fc.integer({ min: 1, max: 1e6 }),
        (poolSize, strides, padding, [height, width, channels], seed) => {
          fc.pre(2 * padding <= poolSize);
          checkFirst([2, height, width, channels], poolSize, strides, padding, seed);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(['same', 'valid', 1] as const)('replaces MaxPoolGrad for padding %s', (pad) => {
    const shape = [2, 9, 8, 6];
    for (const [filterSize, strides] of [
      [
        [3, 3],
        [2, 2],
      ],
      [
        [2, 3],
        [2, 1],
      ],
      [
        [3, 2],
        [3, 3],
      ],
    ] as [[number, number], [number, number]][]) {
      const info = tf.backend_util.computePool2DInfo(
        shape as [number, number, number, number],
        filterSize,
        strides,
        1,
        pad,
        pad === 1 ? 'floor' : undefined,
      );
      const out: [number, number] = [info.outHeight, info.outWidth];
      const outShape = [2, ...out, 6];
      const dy = random(size(outShape), 2);
      for (const x of [tied(size(shape), 1), random(size(shape), 1)]) {
        const { y, dx } = reference(x, dy, {
          shape,
          pool: filterSize,
          strides,
          top: info.padInfo.top,
          left: info.padInfo.left,
          out,
        });
        const result = runWasm(
          'MaxPoolGrad',
          { dy: [dy, outShape], input: [x, shape], output: [y, outShape] },
          { filterSize, strides, pad, dimRoundingMode: pad === 1 ? 'floor' : undefined },
        );
        expectEqual(result[0]!, dx);
      }
    }
  });
});
