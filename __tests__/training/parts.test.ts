/** Seeded weights, callbacks, mixing that is drawn, and what the parts refuse. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  adamW,
  cosineSchedule,
  drawMixing,
  labelSmoothingCrossEntropy,
  learningRateCallback,
  seededWeights,
  smoothTargets,
  softTargetCrossEntropy,
  WeightAverage,
  weightAverageCallback,
} from 'tfjs-spikingformer/training';
import { Random } from '../../lib/random';
import { checkMixup, type MixupConfig } from '../../training/mixup';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

const tiny = () =>
  spiking.models.spikingformer({
    inputShape: [8, 8, 3],
    numClasses: 4,
    embedDim: 16,
    depth: 2,
    numHeads: 2,
    timeSteps: 2,
  });
const values = (model: tf.LayersModel) => model.getWeights().map((w) => [...w.dataSync()]);

describeEachBackend('weights and averages', () => {
  test('follow from seed and path: equal in two models, different in any two kernels', () => {
    const [a, b, c] = [seededWeights(7, tiny), seededWeights(7, tiny), seededWeights(8, tiny)];
    expect(values(a)).toEqual(values(b));
    const kernels = (model: tf.LayersModel) =>
      model.weights
        .filter(({ originalName }) => originalName.endsWith('kernel'))
        .map((w) => w.read().dataSync().slice(0, 16).join());
    expect(kernels(a).length).toBeGreaterThan(10);
    expect(new Set([...kernels(a), ...kernels(c)]).size).toBe(2 * kernels(a).length);
    for (const w of a.weights.filter(({ originalName }) => originalName.endsWith('gamma'))) {
      expect(new Set(w.read().dataSync())).toEqual(new Set([1]));
    }
    tf.dispose([a, b, c].flatMap((model) => model.weights.map((w) => w.read())));
  });

  test('keep the range of their initializer, and leave later models alone', () => {
    const model = seededWeights(1, tiny);
    const q = model.weights.find(({ originalName }) => originalName === 'block1/attn/q/kernel')!;
    const largest = tf.tidy(() => q.read().abs().max().dataSync()[0]!);
    expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(16));
    expect(largest).toBeGreaterThan(0.9 / Math.sqrt(16));
    const [one, two] = [tiny(), tiny()];
    expect(values(one)).not.toEqual(values(two));
    expect(() =>
      seededWeights(1, () => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    for (const m of [model, one, two]) m.dispose();
  });

  test('fit takes schedule, smoothed loss and average; the average is what remains', async () => {
    const x = tf.randomUniform([8, 8, 8, 3], 0, 1, 'float32', 3);
    const y = tf.tensor(smoothTargets([0, 1, 2, 3, 0, 1, 2, 3], 4), [8, 4]);
    const model = seededWeights(3, tiny);
    const schedule = cosineSchedule({
      learningRate: 0.01,
      epochs: 3,
      warmupEpochs: 1,
      warmupLearningRate: 1e-3,
    });
    const optimizer = adamW();
    model.compile({ optimizer, loss: labelSmoothingCrossEntropy(0.1), metrics: ['accuracy'] });
    const seen: number[] = [];
    const { history } = await model.fit(x, y, {
      epochs: 3,
      batchSize: 4,
      shuffle: false,
      verbose: 0,
      callbacks: [
        learningRateCallback(schedule),
        weightAverageCallback(0.5),
        new tf.CustomCallback({ onEpochEnd: async () => void seen.push(optimizer.learningRate) }),
      ],
    });
    expect(seen).toEqual([0, 1, 2].map((epoch) => schedule.at(epoch)));
    expect(history.loss!.every((loss) => Number.isFinite(loss as number))).toBe(true);

    // The same by hand.
    const byHand = seededWeights(3, tiny);
    const own = adamW();
    const average = new WeightAverage(byHand, 0.5);
    for (let epoch = 0; epoch < 3; epoch++) {
      own.learningRate = schedule.at(epoch);
      for (const start of [0, 4]) {
        tf.tidy(() => {
          const loss = () =>
            labelSmoothingCrossEntropy(0.1)(
              y.slice(start, 4),
              byHand.apply(x.slice(start, 4), { training: true }) as tf.Tensor,
            );
          const trained = byHand.trainableWeights.map((w) => w.read() as tf.Variable);
          own.minimize(loss, false, trained);
        });
        average.update();
      }
    }
    average.swap();
    const [fitted, expected] = [values(model), values(byHand)];
    fitted.forEach((weight, i) => {
      weight.forEach((value, k) => {
        expect(value).toBeCloseTo(expected[i]![k]!, 4);
      });
    });
  });

  test('an average is lent and taken back, copied out and in', async () => {
    const model = seededWeights(4, tiny);
    const before = values(model);
    await expectNoLeak(async () => {
      const average = new WeightAverage(model, 0.9);
      tf.tidy(() => {
        for (const w of model.weights) w.write(w.read().add(1));
      });
      await average.lend(() => expect(values(model)).toEqual(before));
      expect(values(model)).not.toEqual(before);
      await expect(average.lend(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
      const copy = new WeightAverage(model, 0.9);
      copy.load(average.state);
      await copy.lend(() => expect(values(model)).toEqual(before));
      expect(() => copy.load(new Map())).toThrow(/state must be complete/);
      average.dispose();
      copy.dispose();
    });
  });
});

describe('mixing as it is drawn', () => {
  const draws = (config: Parameters<typeof drawMixing>[1], epoch = 0) =>
    Array.from({ length: 2000 }, (_, i) =>
      drawMixing(new Random(1, 'mix', i), config, epoch, 32, 32),
    );
  const share = (of: boolean[]) => of.filter(Boolean).length / of.length;

  test('off, by epoch or by alpha', () => {
    expect(new Set(draws({ alpha: 0.5, offEpoch: 3 }, 3).map(({ lambda }) => lambda))).toEqual(
      new Set([1]),
    );
    expect(new Set(draws({}).map(({ lambda }) => lambda))).toEqual(new Set([1]));
  });

  test('mixup alone, with its probability and the mean of Beta', () => {
    const half = draws({ alpha: 0.5, probability: 0.5 });
    expect(half.every(({ box }) => box === undefined)).toBe(true);
    expect(share(half.map(({ lambda }) => lambda === 1))).toBeCloseTo(0.5, 1);
    const mean = draws({ alpha: 0.5 }).reduce((sum, { lambda }) => sum + lambda, 0) / 2000;
    expect(mean).toBeCloseTo(0.5, 1);
  });

  test('mixup and CutMix take turns', () => {
    const both = draws({ alpha: 0.8, cutmixAlpha: 1 });
    expect(share(both.map(({ box }) => box !== undefined))).toBeCloseTo(0.5, 1);
    expect(share(draws({ cutmixAlpha: 1 }).map(({ box }) => box !== undefined))).toBeGreaterThan(
      0.99,
    );
  });

  test.each([
    [{ alpha: -1 }, /alpha must be a number from 0/],
    [{ cutmixAlpha: Infinity }, /cutmixAlpha/],
    [{ probability: 2 }, /probability must be a number from 0 to 1/],
    [{ offEpoch: 1.5 }, /offEpoch must be an integer from 0/],
    [{ mode: 'pair' }, /mixup has no option 'mode'/],
  ])('%j is refused', (config, message) => {
    expect(() => checkMixup(config as MixupConfig)).toThrow(message);
  });
});

test.each([
  [
    () => cosineSchedule({ learningRate: 1, epochs: 2, warmupEpochs: 3 }),
    /warmupEpochs must be at most epochs \(2\)/,
  ],
  [
    () => cosineSchedule({ learningRate: 1, epochs: 2, minLearningRate: 2 }),
    /minLearningRate must be a number from 0 to/,
  ],
  [() => cosineSchedule({ learningRate: 1, epochs: 2 }).at(-1), /epoch must be an integer from 0/],
  [() => smoothTargets([3], 3), /labels\[0\] must be an integer from 0 to 2, but got 3/],
  [() => labelSmoothingCrossEntropy(1), /smoothing must be a number from 0 to below 1/],
  [
    () => softTargetCrossEntropy(tf.zeros([2, 3]), tf.zeros([2, 4])),
    /targets must be of the logits' shape/,
  ],
])('%s', (run, message) => {
  expect(run).toThrow(message);
});
