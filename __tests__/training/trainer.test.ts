/** The loop: it learns, tells, repeats itself, keeps its memory flat and stops when it should. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { DivergedError, examineHealth, firstNonFinite } from '../../training/health';
import type { StepReport } from '../../training/observer';
import { InterruptedError } from '../../training/trainer';
import { describeEachBackend } from '../support/backends';
import { tinyModel, tinyTest, tinyTrain, tinyTrainer } from '../support/training';

describeEachBackend('Trainer', () => {
  test('learns, reports every epoch, and gives every tensor back', async () => {
    const before = tf.memory().numTensors;
    const steps: StepReport[] = [];
    const { finish, end, trainer } = tinyTrainer({
      observers: [{ onStep: (s) => void steps.push(s) }],
    });
    const reports = await finish();
    expect(reports).toHaveLength(3);
    expect(reports.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    const last = reports[2]!;
    expect(last.trainAccuracy).toBeGreaterThan(0.6); // by chance 0.33
    expect(last.trainLoss).toBeLessThan(reports[0]!.trainLoss);
    expect(last.averageAccuracy).toEqual(expect.any(Number));
    expect(Object.keys(last.firingRates)).toContain('block1/attn/q_lif');
    expect(steps).toHaveLength(18);
    expect(steps.at(-1)).toMatchObject({ epoch: 2, batch: 6, step: 18, samples: 6 });
    expect(trainer.progress.position).toEqual({ epoch: 3, batch: 0, step: 18 });
    const counted = trainer.lastEvaluation!.confusion.flat().reduce((a, b) => a + b);
    expect(counted).toBe(tinyTest.length);
    end();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('does the same again, bit for bit', async () => {
    const [one, two] = [tinyTrainer(), tinyTrainer()];
    await one.finish();
    await two.finish();
    expect(two.weights()).toEqual(one.weights());
    one.end();
    two.end();
  });

  test('two batches to a step, with clipping: half the steps, the odd batch left out', async () => {
    const { finish, end, trainer } = tinyTrainer({
      accumulate: 2,
      clipNorm: 1,
      train: tinyTrain(5),
      epochs: 1,
    });
    await finish();
    expect(trainer.progress.position).toEqual({ epoch: 1, batch: 0, step: 2 });
    expect(trainer.optimizer.iterations).toBe(2);
    end();
  });

  test('a signal ends it between two steps, after a save', async () => {
    const controller = new AbortController();
    const saved: object[] = [];
    const { finish, end } = tinyTrainer({
      signal: controller.signal,
      observers: [{ onStep: ({ step }) => void (step === 4 && controller.abort()) }],
      save: async ({ progress }) => void saved.push({ ...progress.position }),
    });
    await expect(finish()).rejects.toThrow(InterruptedError);
    expect(saved).toEqual([{ epoch: 0, batch: 4, step: 4 }]);
    end();
  });

  test('a signal during the evaluation saves the own weights, not their average', async () => {
    const controller = new AbortController();
    let atStep: number[][] = [];
    let atSave: number[][] = [];
    let evaluations = 0;
    const { finish, end, weights } = tinyTrainer({
      signal: controller.signal,
      observers: [
        {
          onStep: () => {
            atStep = weights();
          },
          onEvaluation: (done) => {
            if (done === 12 && ++evaluations === 2) controller.abort(); // the average's
          },
        },
      ],
      save: async () => {
        atSave = weights();
      },
    });
    await expect(finish()).rejects.toThrow('stopped in epoch 1 after batch 6');
    expect(atSave).toEqual(atStep);
    end();
  });

  test('a weight that is no number ends it, named', async () => {
    const { finish, end, model } = tinyTrainer({
      observers: [
        {
          onStep: ({ step }) => {
            if (step !== 3) return;
            const weight = model.weights.find((w) => w.originalName === 'block1/mlp/fc1/kernel')!;
            tf.tidy(() => void weight.write(weight.read().mul(Number.NaN)));
          },
        },
      ],
    });
    await expect(finish()).rejects.toThrow(
      'training diverged: NaN or Infinity in weight block1/mlp/fc1/kernel',
    );
    end();
  });

  test('finds where numbers end: in the input, or in a layer', () => {
    const model = tinyModel();
    tf.tidy(() => {
      const x = tf.ones([2, 8, 8, 1]);
      expect(firstNonFinite(model, x)).toBeUndefined();
      expect(firstNonFinite(model, x.mul(Number.NaN))).toBe('the input');
    });
    model.dispose();

    const big = (name: string) =>
      tf.layers.dense({
        name,
        units: 2,
        inputShape: [2],
        kernelInitializer: tf.initializers.constant({ value: 1e30 }),
      });
    const grows = tf.sequential({ layers: [big('large'), big('too_large'), big('last')] });
    tf.tidy(() => {
      expect(firstNonFinite(grows, tf.ones([2, 2]))).toBe('layer too_large');
      const grads = { [grows.weights[2]!.name]: tf.scalar(Number.NaN) };
      expect(firstNonFinite(grows, tf.zeros([2, 2]), grads)).toMatch(/^the gradient of too_large/);
    });
    grows.dispose();
  });

  test('a network that answers everything alike ends it, the silent layer named', async () => {
    const model = tinyModel();
    const silence = model.weights.filter((w) => /(gamma|beta)$/.test(w.originalName));
    tf.tidy(() => {
      for (const w of silence)
        w.write(
          w
            .read()
            .mul(0)
            .sub(w.originalName.endsWith('beta') ? 5 : 0),
        );
    });
    const x = tf.randomNormal([4, 8, 8, 1]);
    const { collapsedAt, dead } = examineHealth(model, x);
    expect(collapsedAt).toMatch(/^tokenizer\//);
    expect(dead).toContain(collapsedAt);
    const { finish, trainer } = tinyTrainer({
      model,
      epochs: 1,
      schedule: { totalEpochs: 1, at: () => 0 },
    });
    await expect(finish()).rejects.toThrow(DivergedError);
    trainer.dispose();
    x.dispose();
    model.dispose();
  });
});

/** Node's own, without its flag on the command line. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

/** What JavaScript holds after a collection, buffers included: unlike what the process has of the machine. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("memory is flat over 1,000 steps: tensors, their bytes, JavaScript's, wasm's", async () => {
  await tf.setBackend('wasm');
  // Compiled code, and what is kept to compile it, grows by megabytes, for thousands of steps.
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-sparkplug');
  const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  const held: number[] = [];
  const heaps: number[] = [];
  const counts: number[] = [];
  const { layers } = spiking;
  const model = tf.sequential({
    layers: [
      layers.cmlDownsample({ filters: 4, timeSteps: 2, inputShape: [8, 8, 1] }),
      layers.rateReadout(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  const { finish, end } = tinyTrainer({
    model,
    train: tinyTrain(500, 2),
    epochs: 2,
    observers: [
      {
        onStep: ({ step }) => {
          if (step % 100 !== 0) return;
          counts.push(tf.memory().numTensors, tf.memory().numBytes);
          held.push(heldBytes());
          heaps.push(wasm.HEAPU8.byteLength);
        },
      },
    ],
  });
  try {
    await finish();
  } finally {
    setFlagsFromString('--opt');
    setFlagsFromString('--sparkplug');
  }
  end();
  expect(counts).toHaveLength(20);
  expect(new Set(counts.filter((_, i) => i % 2 === 0)).size).toBe(1);
  expect(new Set(counts.filter((_, i) => i % 2 === 1)).size).toBe(1);
  // From its lowest on: what the first steps read in goes at some time.
  expect(held.at(-1)! - Math.min(...held)).toBeLessThan(2 ** 19);
  expect(heaps.at(-1)).toBe(heaps[0]);
});
