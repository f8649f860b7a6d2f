/** BatchNormTraining on wasm: precise, and its gradient the closed form's. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expectClose, random, runWasm } from './wasm_harness';

const epsilon = 1e-5;

function moments(x: Float32Array, channels: number) {
  const rows = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) mean[i % channels] += x[i]! / rows;
  for (let i = 0; i < x.length; i++)
    variance[i % channels] += (x[i]! - mean[i % channels]!) ** 2 / rows;
  return { rows, mean, variance };
}

function check(x: Float32Array, channels: number, tolerance = 1e-6) {
  const { rows, mean, variance } = moments(x, channels);
  const gamma = random(channels, 3).map((g) => g + 1);
  const beta = random(channels, 4);
  const rstd = variance.map((v) => 1 / Math.sqrt(v + epsilon));
  const shape = [rows, channels];
  const [y, m, v] = runWasm(
    'BatchNormTraining',
    { x: [x, shape], gamma: [gamma, [channels]], beta: [beta, [channels]] },
    { epsilon },
  );
  for (let c = 0; c < channels; c++) {
    expectClose([m![c]!], [mean[c]!], 2e-7, Math.abs(mean[c]!) + Math.sqrt(variance[c]!));
    expectClose([v![c]!], [variance[c]!], tolerance);
  }
  const expectedY = Float64Array.from(x, (value, i) => {
    const c = i % channels;
    return (value - mean[c]!) * rstd[c]! * gamma[c]! + beta[c]!;
  });
  // x - mean is as good as the mean, which float32 rounds.
  const offset = Math.max(...mean.map((value, c) => Math.abs(value) * rstd[c]!));
  expectClose(y!, expectedY, 1e-6 + offset * 1e-7);

  const dy = random(x.length, 5);
  const dbeta = new Float64Array(channels);
  const dgamma = new Float64Array(channels);
  const scale = new Float64Array(channels);
  const xhat = (i: number) => (x[i]! - mean[i % channels]!) * rstd[i % channels]!;
  for (let i = 0; i < x.length; i++) {
    dbeta[i % channels] += dy[i]!;
    dgamma[i % channels] += dy[i]! * xhat(i);
    scale[i % channels] += Math.abs(dy[i]! * xhat(i));
  }
  const expectedDx = Float64Array.from(dy, (g, i) => {
    const c = i % channels;
    return gamma[c]! * rstd[c]! * (g - dbeta[c]! / rows - (xhat(i) * dgamma[c]!) / rows);
  });
  const [dx, dg, db] = runWasm(
    'BatchNormTrainingGrad',
    {
      dy: [dy, shape],
      x: [x, shape],
      gamma: [gamma, [channels]],
      mean: [m!, [channels]],
      variance: [v!, [channels]],
    },
    { epsilon },
  );
  const steepest = Math.max(...gamma.map((g, c) => Math.abs(g) * rstd[c]!));
  expectClose(dx!, expectedDx, 3e-6 + offset * 1e-6, steepest);
  expectClose(db!, dbeta, 1e-5, rows);
  expectClose(dg!, dgamma, 1e-5 + offset * 1e-7, Math.max(...scale));
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('wasm BatchNormTraining', () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 12, 16, 30, 33, 64, 129])('normalizes %i channels', (channels) => {
    for (const rows of [2, 3, 7, 64, 133]) check(random(rows * channels, rows), channels);
  });

  it('keeps its precision over 100,000 rows with a mean far above the deviation', () => {
    const x = random(100_003 * 6, 1);
    for (const mean of [0, 10, 1000])
      check(
        x.map((value) => value + mean),
        6,
      );
  });

  it('keeps it where the first guess at the mean is far off', () => {
    // Every sampled row holds another value than the rest.
    const rows = 64 * 500;
    const x = Float32Array.from({ length: rows * 3 }, (_, i) =>
      Math.floor(i / 3) % 500 === 0 ? 1000 : ((i * 7919) % 13) / 13,
    );
    check(x, 3);
  });

  it('maps a constant channel to beta', () => {
    const [y, , variance] = runWasm(
      'BatchNormTraining',
      {
        x: [new Float32Array(50).fill(7.3), [10, 5]],
        gamma: [new Float32Array(5).fill(2), [5]],
        beta: [random(5, 1), [5]],
      },
      { epsilon },
    );
    expectClose(variance!, new Float32Array(5), 0, 0);
    expectClose(y!.subarray(0, 5), random(5, 1), 1e-6);
  });

  it('agrees with the reference for any shape', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 1e6 }),
        (rows, channels, seed) => check(random(rows * channels, seed), channels),
      ),
      { numRuns: 60 },
    );
  });
});
