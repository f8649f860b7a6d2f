/** Matrix products on wasm, against the cpu backend. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type Data, expectClose, expectEqual, randomData, runCpu, runWasm } from './wasm_harness';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const small = (max: number) => fc.integer({ min: 1, max });

describe('wasm matrix products', () => {
  function check(
    batchA: number[],
    batchB: number[],
    [m, n, k]: number[],
    transposeA: boolean,
    transposeB: boolean,
  ) {
    const a = randomData([...batchA, ...(transposeA ? [k!, m!] : [m!, k!])], 1);
    const b = randomData([...batchB, ...(transposeB ? [n!, k!] : [k!, n!])], 2);
    const attrs = { transposeA, transposeB };
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
    const whole = [a, b].map(([values, shape]) =>
      tf.tidy(() => {
        const x = tf.tensor(values as Float32Array, shape);
        return [
          x.broadcastTo([...batch, ...shape.slice(-2)]).dataSync(),
          [...batch, ...shape.slice(-2)],
        ] as const;
      }),
    );
    const [expected] = runCpu('BatchMatMul', { a: whole[0] as Data, b: whole[1] as Data }, attrs);
    expectClose(runWasm('BatchMatMul', { a, b }, attrs)[0]!, expected!, 1e-5);
  }

  it('multiplies any sizes, transposed or not', () => {
    fc.assert(
      fc.property(
        fc.tuple(small(70), small(70), small(70)),
        fc.boolean(),
        fc.boolean(),
        small(3),
        (sizes, a, b, batch) => check([batch], [batch], sizes, a, b),
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('multiplies in blocks (transposeA %s, transposeB %s)', (a, b) => {
    check([1], [1], [130, 300, 600], a, b);
    check([], [], [65, 9, 257], a, b);
  });

  it.each([
    [
      [2, 3],
      [2, 3],
    ],
    [[1], [4]],
    [[4], [1]],
    [[2, 3], [3]],
    [[3], [2, 3]],
    [
      [2, 1, 2],
      [1, 3, 1],
    ],
    [[], [5]],
  ])('broadcasts batches %j and %j', (batchA, batchB) => {
    for (const a of [false, true])
      for (const b of [false, true]) check(batchA, batchB, [5, 9, 7], a, b);
  });

  it('is zero where there is nothing to add', () => {
    const [y] = runWasm(
      'BatchMatMul',
      { a: [[], [2, 3, 0]], b: [[], [2, 0, 5]] },
      { transposeA: false, transposeB: false },
    );
    expectEqual(y!, new Float32Array(30));
  });

  it.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'])(
    'fuses a bias and %s',
    (activation) => {
      for (const [transposeA, transposeB] of [
        [false, false],
        [true, false],
        [false, true],
      ] as const) {
        const data = {
          a: randomData(transposeA ? [2, 100, 6] : [2, 6, 100], 1),
          b: randomData(transposeB ? [2, 5, 100] : [2, 100, 5], 2),
          bias: randomData([5], 3),
          preluActivationWeights: activation === 'prelu' ? randomData([5], 4) : undefined,
        };
        const attrs = { transposeA, transposeB, activation, leakyreluAlpha: 0.3 };
        expectClose(
          runWasm('_FusedMatMul', data, attrs)[0]!,
          runCpu('_FusedMatMul', data, attrs)[0]!,
          1e-5,
        );
      }
    },
  );

  it('says which sizes do not fit', () => {
    const data = { a: randomData([2, 3], 1), b: randomData([4, 5], 2) };
    expect(() => runWasm('BatchMatMul', data, { transposeA: false, transposeB: true })).toThrow(
      'the inner sizes of [2,3] and [4,5] with transposeA false and transposeB true must match, but are 3 and 5',
    );
  });
});
