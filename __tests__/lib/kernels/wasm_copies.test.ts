/** Slices, splits and gathers on wasm, against the cpu backend and tfjs's own kernels. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installOverride } from '../../../lib/kernels/override';
import { wasm } from '../../../lib/kernels/wasm';
import { expectEqual, randomData, runCpu, runWasm } from './wasm_harness';

beforeAll(async () => {
  await tf.setBackend('wasm');
  wasm.overrides().forEach(installOverride);
});

const side = fc.constantFrom(1, 2, 3, 5, 17);
const shapes = fc.array(side, { minLength: 1, maxLength: 5 });

/** A shape and, drawn for each of its axes, what `of` makes of the axis's size. */
const withEach = <T>(of: (size: number) => fc.Arbitrary<T>) =>
  shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map(of))));

const ranges = withEach((size) =>
  fc
    .integer({ min: 0, max: size })
    .chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: 0, max: size - begin }))),
);

const compare = (kernel: string, inputs: Parameters<typeof runWasm>[1], attrs: object) => {
  const [actual, expected] = [runWasm(kernel, inputs, attrs), runCpu(kernel, inputs, attrs)];
  expect(actual.length).toBe(expected.length);
  actual.forEach((each, i) => {
    expectEqual(each, expected[i]!);
  });
};

describe('wasm slices', () => {
  it('are those of cpu, for any box of any shape', () => {
    fc.assert(
      fc.property(ranges, ([shape, axes]) => {
        const attrs = { begin: axes.map(([begin]) => begin), size: axes.map(([, size]) => size) };
        compare('Slice', { x: randomData(shape, 1) }, attrs);
      }),
      { numRuns: 200 },
    );
  });

  it('of -1 reach the end; a box beyond it is an error', () => {
    const x = tf.range(0, 10);
    expect([...x.slice([7]).dataSync()]).toEqual([7, 8, 9]);
    const attrs = { begin: [7], size: [4] };
    expect(() => runWasm('Slice', { x: randomData([10], 1) }, attrs)).toThrow(/begin.*size/);
  });

  it('of booleans are those of tfjs', () => {
    const x = tf.tensor2d([true, false, true, true], [2, 2], 'bool');
    expect([...x.slice([0, 1], [2, 1]).dataSync()]).toEqual([0, 1]);
    expect(tf.split(x, 2, 1).map((part) => [...part.dataSync()])).toEqual([
      [1, 1],
      [0, 1],
    ]);
  });
});

describe('wasm splits', () => {
  it('are those of cpu, along any axis, into parts of any sizes', () => {
    const parts = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shapes, parts, fc.nat(4), (shape, sizes, at) => {
        const axis = at % shape.length;
        const whole: number[] = [...shape];
        whole[axis] = sizes.reduce((a, b) => a + b);
        const attrs = { numOrSizeSplits: sizes, axis };
        compare('SplitV', { x: randomData(whole, 1) }, attrs);
      }),
      { numRuns: 100 },
    );
  });

  it('into equal parts, from the last axis, and of integers', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], 'int32');
    const parts = tf.split(x, 2, -1);
    expect(parts.map((part) => [part.dtype, part.arraySync()])).toEqual([
      [
        'int32',
        [
          [1, 2],
          [5, 6],
        ],
      ],
      [
        'int32',
        [
          [3, 4],
          [7, 8],
        ],
      ],
    ]);
  });
});

describe('wasm gathers', () => {
  const indices = (shape: number[], size: number, seed: number) =>
    tf.tidy(() => tf.randomUniform(shape, 0, size, 'int32', seed));

  it('are those of cpu, along any axis, by indices of any shape', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 });
    fc.assert(
      fc.property(shapes, fc.nat(4), counts, fc.integer(), (shape, at, count, seed) => {
        const axis = at % shape.length;
        const which = tf.tidy(() => indices(count, shape[axis]!, seed).dataSync());
        const x = randomData(shape, 1);
        const flat = [count.reduce((a, b) => a * b, 1)];
        const attrs = { axis, batchDims: 0 };
        compare('GatherV2', { x, indices: [which, flat] }, attrs);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [[3, 5, 4], [3, 2], 1, 1],
    [[3, 6, 5, 20], [3, 2], 2, 1],
    [[2, 3, 5, 4], [2, 3, 7], 2, 2],
    [[2, 3, 5], [2, 3, 2], 2, 2],
  ])('of x %j by indices %j along axis %i have %i axes in common', (shape, count, axis, common) => {
    tf.tidy(() => {
      const x = tf.randomNormal(shape, 0, 1, 'float32', 1);
      const which = indices(count, shape[axis]!, 2);
      // Sample by sample, which has no axes in common.
      const samples = (t: tf.Tensor) =>
        tf.unstack(t.reshape([-1, ...t.shape.slice(common)] as number[]));
      const places = samples(which);
      const each = samples(x).map((sample, i) => tf.gather(sample, places[i]!, axis - common));
      const actual = tf.gather(x, which, axis, common);
      expect(actual.shape).toEqual([
        ...shape.slice(0, axis),
        ...count.slice(common),
        ...shape.slice(axis + 1),
      ]);
      expectEqual(actual.dataSync(), tf.stack(each).dataSync());
    });
  });

  it.each(['int32', 'bool'] as const)('keep %s', (dtype) => {
    const x = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2], dtype);
    const rows = tf.gather(x, [2, 1]);
    expect(rows.dtype).toBe(dtype);
    expect([...rows.dataSync()]).toEqual([1, 1, 0, 1]);
  });

  it.each([-1, 3])('refuse the index %i of three rows', (index) => {
    const x = tf.zeros([3, 2]);
    expect(() => tf.gather(x, [0, index])).toThrow(`the index value ${index} is not in [0, 2]`);
  });

  it('keep the bits of NaN', () => {
    const bits = Int32Array.of(0x7fc00001, 0x7f800000, 0x80000000 | 0);
    const x = tf.tensor1d(new Float32Array(bits.buffer));
    const moved = tf.gather(x, [2, 0]).dataSync();
    expect([...new Int32Array(moved.buffer, moved.byteOffset, 2)]).toEqual([bits[2], bits[0]]);
  });
});
