/** The quickstart's parts: batches, schedule, counting; and the images that npm brings. */
import * as tf from '@tensorflow/tfjs';
import '../support/backends'; // silences the cpu backend's banner
import { type Images, loadMnist } from '../../examples/_data';
import { accuracyOf, cosineSchedule, pick, shuffledBatches } from '../../examples/_training';

/** Image i is one pixel of value i, of class i % 3. */
const images: Images = {
  pixels: Uint8Array.from({ length: 7 }, (_, i) => i),
  shape: [7, 1, 1, 1],
  labels: Uint8Array.from({ length: 7 }, (_, i) => i % 3),
};

beforeAll(() => tf.setBackend('cpu'));

test('pick takes images in the order asked for, from 0 to 1', async () => {
  const x = pick({ ...images, pixels: Uint8Array.of(0, 51, 255, 0, 0, 0, 0) }, [2, 1]);
  expect(x.shape).toEqual([2, 1, 1, 1]);
  expect([...(await x.data())]).toEqual([1, Math.fround(0.2)]);
});

test('batches bring every image once before any comes again, each with its class', async () => {
  const iterator = await shuffledBatches(images, 3, 3).iterator();
  const seen: number[] = [];
  for (let i = 0; i < 7; i++) {
    const { xs, ys } = (await iterator.next()).value as { xs: tf.Tensor; ys: tf.Tensor };
    const pixels = Array.from(xs.dataSync(), (x) => Math.round(x * 255));
    expect([...ys.argMax(-1).dataSync()]).toEqual(pixels.map((p) => p % 3));
    seen.push(...pixels);
  }
  for (const start of [0, 7, 14]) {
    expect(seen.slice(start, start + 7).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }
});

test('the schedule rises, then falls to nothing', () => {
  const rate = cosineSchedule(2, 100);
  const rates = Array.from({ length: 100 }, (_, step) => rate(step));
  expect(rates.slice(0, 6)).toEqual([0.4, 0.8, 1.2, 1.6, 2, 2]);
  for (let step = 6; step < 100; step++) expect(rates[step]).toBeLessThan(rates[step - 1]);
  expect(rates[99]).toBeGreaterThan(0);
  expect(rates[99]).toBeLessThan(0.001);
  expect(cosineSchedule(1, 1)(0)).toBe(1);
});

test('accuracy counts every image, the last incomplete batch too', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [1, 1, 1] }),
      tf.layers.dense({ units: 3, useBias: true, kernelInitializer: 'zeros' }),
    ],
  });
  model.layers[1].setWeights([tf.zeros([1, 3]), tf.tensor1d([1, 0, 0])]);
  const done: number[] = [];
  const tensors = tf.memory().numTensors;
  expect(await accuracyOf(model, images, (n) => done.push(n), 3)).toBeCloseTo(3 / 7);
  expect(done).toEqual([3, 6, 7]);
  expect(tf.memory().numTensors).toBe(tensors);
});

test('MNIST comes whole', async () => {
  const { train, test: held, numClasses } = await loadMnist();
  expect(train.shape).toEqual([60000, 28, 28, 1]);
  expect(held.shape).toEqual([10000, 28, 28, 1]);
  expect(numClasses).toBe(10);
  const [first] = train.labels;
  expect(first).toBe(5);
  expect(train.pixels.length).toBe(60000 * 784);
});
