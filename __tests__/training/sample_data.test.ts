/** Batches of a recipe: pure functions of seed, epoch and index, mixed and normalised in timm's order. */
import { evaluationData, firstSamples, trainingData } from 'tfjs-spikingformer/training';
import { memorySource } from '../../datasets/memory_source';
import { normalize } from '../../datasets/transforms';
import { batches as threaded } from '../../node/batches';
import type { TrainingBatch } from '../../training/training_data';

const SIZE = 4 * 4 * 3;
const COUNT = 23;
const pixels = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * i * 31 + i * 7) % 251);
const source = memorySource({
  name: 'pixels',
  split: 'train',
  data: pixels,
  shape: [4, 4, 3],
  labels: Uint8Array.from({ length: COUNT }, (_, i) => i % 5),
  classNames: ['a', 'b', 'c', 'd', 'e'],
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
});

async function all(batches: AsyncIterable<TrainingBatch>) {
  const found = [];
  for await (const { data, shape, labels, targets, indices } of batches) {
    const numbers = { data: [...data], labels: [...labels], targets: [...targets] };
    found.push({ ...numbers, shape, indices: [...(indices ?? [])] });
  }
  return found;
}

const options = {
  batchSize: 4,
  seed: 9,
  mixup: { alpha: 0.8, cutmixAlpha: 1, offEpoch: 3 },
  labelSmoothing: 0.1,
  erasing: { probability: 0.5, area: [0.2, 0.5] as [number, number] },
};

test('an epoch: full batches, each sample once, in an order of its own', async () => {
  const train = trainingData(source, { batchSize: 4, seed: 9 });
  expect(train.batchesPerEpoch).toBe(5);
  const [first, second] = [await all(train.batches(0, 0)), await all(train.batches(1, 0))];
  expect(first).toHaveLength(5);
  expect(first[0]!.shape).toEqual([4, 4, 4, 3]);
  expect(new Set(first.flatMap(({ data }) => [data.slice(0, SIZE).join()])).size).toBe(5);
  expect(second).not.toEqual(first);
  const known = Array.from({ length: COUNT }, (_, i) =>
    normalize(pixels.subarray(i * SIZE, (i + 1) * SIZE), source.mean!, source.std!).join(),
  );
  for (const { data, labels, indices } of first) {
    labels.forEach((label, i) => {
      const at = known.indexOf(data.slice(i * SIZE, (i + 1) * SIZE).join());
      expect(at % 5).toBe(label);
      expect(indices[i]).toBe(at);
    });
  }
});

test('batch i is the same wherever an epoch is entered, in this thread or another', async () => {
  const whole = await all(trainingData(source, options).batches(2, 0));
  expect(await all(trainingData(source, options).batches(2, 3))).toEqual(whole.slice(3));
  const batches: typeof threaded = (from, given) => threaded(from, { ...given, workers: 1 });
  expect(await all(trainingData(source, { ...options, batches }).batches(2, 0))).toEqual(whole);
  expect(await all(trainingData(source, { ...options, seed: 10 }).batches(2, 0))).not.toEqual(
    whole,
  );
});

test('mixes until offEpoch; targets are smoothed all along and add up to 1', async () => {
  const train = trainingData(source, options);
  const largest = (targets: number[]) =>
    Array.from({ length: 4 }, (_, i) => Math.max(...targets.slice(i * 5, (i + 1) * 5)));
  const [mixed, plain] = [await all(train.batches(0, 0)), await all(train.batches(3, 0))];
  expect(mixed.flatMap(({ targets }) => largest(targets)).some((t) => t < 0.9)).toBe(true);
  for (const { targets } of [...mixed, ...plain]) {
    expect(targets.reduce((a, b) => a + b)).toBeCloseTo(4, 5);
  }
  for (const { targets } of plain) {
    for (const t of largest(targets)) expect(t).toBeCloseTo(0.92, 6);
  }
});

test('evaluation: every sample, in order, the last batch short', async () => {
  const test_ = evaluationData(firstSamples(source, 10), { batchSize: 4 });
  expect(test_.length).toBe(10);
  const found = await all(test_.batches());
  expect(found.map(({ shape }) => shape[0])).toEqual([4, 4, 2]);
  expect(found.flatMap(({ labels }) => labels)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  expect(firstSamples(source, 100)).toBe(source);
  const known = { ...source, fingerprint: 'f', workerSpec: { name: 'memory', options: 1 } };
  expect(firstSamples(known, 3)).toMatchObject({ fingerprint: 'f', workerSpec: known.workerSpec });
});

test.each([
  [{ batchSize: 0, seed: 1 }, /batchSize must be a positive integer/],
  [{ batchSize: 1, seed: 1, mixup: { alpha: -1 } }, /alpha must be a number from 0/],
])('%j is refused', (wrong, message) => {
  expect(() => trainingData(source, wrong)).toThrow(message);
});
