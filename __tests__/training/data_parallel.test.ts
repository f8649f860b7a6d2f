/** Several trainers as one: in this process, their sums made by hand; what MPI adds is tested in node/mpi. */
import * as tf from '@tensorflow/tfjs';
import { blurredFeatures } from '../../training/blurred_features';
import { DataParallel } from '../../training/data_parallel';
import { mergeEvaluations } from '../../training/evaluation';
import type { Ranks } from '../../training/ranks';
import type { Teacher } from '../../training/teacher';
import { InterruptedError } from '../../training/trainer';
import { describeFasterBackends } from '../support/backends';
import { tinyTest, tinyTrain, tinyTrainer } from '../support/training';

/** Ranks that meet in memory: each call waits until all have come, then adds up by rank. */
function ranksInMemory(size: number): Ranks[] {
  let waiting: { rank: number; value: unknown; done: (all: unknown[]) => void }[] = [];
  const meet = <T>(rank: number, value: T) =>
    new Promise<T[]>((done) => {
      waiting.push({ rank, value, done: done as (all: unknown[]) => void });
      if (waiting.length < size) return;
      const all = [...waiting].sort((a, b) => a.rank - b.rank);
      waiting = [];
      for (const each of all) each.done(all.map((one) => one.value));
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async sum(array: Float32Array | Float64Array) {
      const all = await meet(rank, array.slice());
      for (let i = 0; i < array.length; i++) {
        array[i] = all.map((one) => one[i]!).reduce((a, b) => Math.fround(a + b));
      }
    },
    sumNow: () => {
      throw new Error('not in one process');
    },
    gather: <T>(value: T) => meet(rank, value),
    async broadcast() {},
    async barrier() {
      await meet(rank, 0);
    },
  }));
}

const trainable = (model: tf.LayersModel) =>
  model.trainableWeights.map((weight) => Array.from(weight.read().dataSync()));
const statistics = (model: tf.LayersModel) =>
  model.nonTrainableWeights.map((weight) => Array.from(weight.read().dataSync()));

describeFasterBackends('trainers of several processes', () => {
  test('two are one that accumulates: weights and moments to the bit', async () => {
    const alone = tinyTrainer({ accumulate: 2, clipNorm: 1, epochs: 2 });
    const pair = ranksInMemory(2).map((ranks) => tinyTrainer({ ranks, clipNorm: 1, epochs: 2 }));
    await Promise.all([alone.finish(), ...pair.map(({ finish }) => finish())]);
    for (const { trainer } of pair) {
      expect(trainable(trainer.model)).toEqual(trainable(alone.trainer.model));
      const moments = await Promise.all(
        [alone.trainer, trainer].map(async ({ optimizer }) =>
          (await optimizer.getWeights()).map(({ tensor }) => Array.from(tensor.dataSync())),
        ),
      );
      expect(moments[1]).toEqual(moments[0]);
      expect(trainer.progress.position).toEqual({ epoch: 2, batch: 0, step: 6 });
    }
    const [first, second] = pair.map(({ trainer }) => trainer);
    expect(statistics(second!.model)).toEqual(statistics(first!.model));
    expect(second!.progress.history).toEqual(
      first!.progress.history.map((epoch) => ({
        ...epoch,
        seconds: expect.any(Number),
        samplesPerSecond: expect.any(Number),
      })),
    );
    for (const { end } of [alone, ...pair]) end();
  });

  test('two learn by a loss of their own as one does: what it draws is of the batch, its variables agree', async () => {
    const loss = () =>
      blurredFeatures({ layer: 'block1', channels: 16, teacherChannels: 8, seed: 4, dropped: 0.5 });
    const teacher: Teacher = {
      outputs: (x) => ({ logits: tf.zeros([x.shape[0]!, 3]), features: tf.ones([x.shape[0]!, 8]) }),
    };
    const alone = tinyTrainer({ accumulate: 2, epochs: 2, teacher, loss: loss() });
    const pair = ranksInMemory(2).map((ranks) =>
      tinyTrainer({ ranks, epochs: 2, teacher, loss: loss() }),
    );
    await Promise.all([alone.finish(), ...pair.map(({ finish }) => finish())]);
    const maps = ({ trainer }: typeof alone) =>
      Object.values(trainer.loss.variables!).map((variable) => [...variable.dataSync()]);
    for (const one of pair) {
      expect(maps(one)).toEqual(maps(alone));
      expect(trainable(one.trainer.model)).toEqual(trainable(alone.trainer.model));
    }
    for (const { end } of [alone, ...pair]) end();
  });

  test('three are one that accumulates, to rounding', async () => {
    const alone = tinyTrainer({ accumulate: 3, epochs: 2 });
    const three = ranksInMemory(3).map((ranks) => tinyTrainer({ ranks, epochs: 2 }));
    const before = trainable(alone.trainer.model).flat();
    await Promise.all([alone.finish(), ...three.map(({ finish }) => finish())]);
    const expected = trainable(alone.trainer.model).flat();
    const found = trainable(three[2]!.trainer.model).flat();
    const distance = (a: number[], b: number[]) =>
      a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
    // AdamW moves every weight by its rate, two times, whatever its gradient: rounding turns a few the other way.
    expect(distance(before, expected)).toBeGreaterThan(5e-3);
    expect(distance(found, expected)).toBeLessThan(1e-4);
    for (const { end } of [alone, ...three]) end();
  });

  test('running statistics are the mean over all, and the evaluation is of every sample once', async () => {
    const both = ranksInMemory(2).map((ranks) => tinyTrainer({ ranks, epochs: 1 }));
    const models = both.map(({ trainer }) => trainer.model);
    const own: number[][][] = [];
    const mean = DataParallel.prototype.meanStatistics;
    const spy = jest.spyOn(DataParallel.prototype, 'meanStatistics');
    spy.mockImplementation(function (this: DataParallel, model, average) {
      own.push(statistics(model));
      return mean.call(this, model, average);
    });
    await Promise.all(both.map(({ finish }) => finish()));
    spy.mockRestore();
    const [one, two] = [own[0]!.flat(), own[1]!.flat()];
    expect(one).not.toEqual(two);
    const byHand = one.map((value, i) => Math.fround(Math.fround(value + two[i]!) / 2));
    expect(statistics(models[0]!).flat()).toEqual(byHand);
    const { samples, confusion } = both[1]!.trainer.lastEvaluation!;
    expect(samples).toBe(tinyTest.length);
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(tinyTest.length);
    for (const { end } of both) end();
  });

  test('a signal to one of them ends both after the same step; only the first saves', async () => {
    const controller = new AbortController();
    const saved: number[] = [];
    const both = ranksInMemory(2).map((ranks) =>
      tinyTrainer({
        ranks,
        save: async () => void saved.push(ranks.rank),
        ...(ranks.rank === 1 && { signal: controller.signal }),
      }),
    );
    controller.abort();
    const ends = await Promise.allSettled(both.map(({ finish }) => finish()));
    for (const end of ends) {
      expect((end as PromiseRejectedResult).reason).toBeInstanceOf(InterruptedError);
    }
    expect(both.map(({ trainer }) => trainer.progress.position.step)).toEqual([1, 1]);
    expect(saved).toEqual([0]);
    for (const { end } of both) end();
  });
});

test('batches are dealt one by one, and none twice; what is left of a round is left out', async () => {
  const epoch = async (size: number) => {
    const parts = await Promise.all(
      ranksInMemory(size).map(async (ranks) => {
        const found: number[][] = [];
        for await (const { data } of new DataParallel(ranks).share(tinyTrain(7), 0, 0)) {
          found.push(Array.from(data.subarray(0, 3)));
        }
        return found;
      }),
    );
    return parts;
  };
  const [all] = await epoch(1);
  const [even, odd] = await epoch(2);
  expect(even).toEqual([0, 2, 4, 6].map((i) => all![i]));
  expect(odd).toEqual([1, 3, 5].map((i) => all![i]));
  const { trainer, end } = tinyTrainer({ train: tinyTrain(7), ranks: ranksInMemory(2)[0]! });
  expect(trainer.batchesPerEpoch).toBe(6);
  end();
});

test('evaluations are put together by their samples', () => {
  const part = (samples: number, accuracy: number) => ({
    ...{ samples, accuracy, loss: accuracy * 2, top5: 1 },
    confusion: [
      [samples, 0],
      [0, 1],
    ],
  });
  const merged = mergeEvaluations([part(1, 1), part(3, 0)]);
  expect(merged).toMatchObject({ samples: 4, accuracy: 0.25, loss: 0.5, top5: 1 });
  expect(merged.confusion).toEqual([
    [4, 0],
    [0, 2],
  ]);
});
