/** Spikes that tfjs-node stores as bits, against the same spikes as numbers. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as spiking from '../../../index';
import { installKernels, runKernel } from '../../../lib/kernels';
import {
  PackedSpikingAttention,
  runSpikingAttention,
  SpikingAttention,
} from '../../../lib/kernels/attention';
import { runBatchNormLIF } from '../../../lib/kernels/batch_norm_lif';
import { type NeuronAttrs, runMultiStepLIF } from '../../../lib/kernels/multi_step_lif';
import { SpikeConv2D } from '../../../lib/kernels/spike_conv2d';
import { runSpikeProduct } from '../../../lib/kernels/spike_product';
import { bitsOf } from '../../../lib/kernels/spike_storage';
import { opAttrs, tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { neuronAttrs } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { skippingConvLIF } from '../../../lib/kernels/tensorflow/spikes';
import { resolveLIF } from '../../../lib/neuron_params';
import '../../support/backends';
import { anyNeuron } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { opsOf } from '../../support/stock';
import { describeNativeOps } from '../../support/tensorflow';

const normal = (shape: number[], seed: number, mean = 0) =>
  tf.randomNormal(shape, mean, 1, 'float32', seed);
const attrs = resolveLIF();

describeNativeOps('spikes as bits', () => {
  const backend = () => tensorflowBackend()!;
  beforeAll(installKernels);

  const isBits = (x: tf.Tensor) => bitsOf(backend().tensorMap, x) !== undefined;

  /** Spikes of neurons as bits, and as numbers. */
  function both(x: tf.Tensor, neuron: NeuronAttrs = attrs, w?: tf.Tensor) {
    const [bits] = runMultiStepLIF(x, neuron, undefined, w, {
      lastMembranes: false,
      forLayers: true,
    });
    const [numbers] = runMultiStepLIF(x, neuron, undefined, w);
    expect(isBits(bits)).toBe(true);
    expect(isBits(numbers)).toBe(false);
    return { bits, numbers };
  }

  /** How often spikes were unpacked. */
  async function unpackings(run: () => void | Promise<void>): Promise<number> {
    const { binding } = backend();
    let count = 0;
    const executeOp: typeof binding.executeOp = (name, ...rest) => {
      count += Number(name === 'SpikingformerUnpackSpikes');
      return binding.executeOp(name, ...rest);
    };
    backend().binding = Object.create(binding, { executeOp: { value: executeOp } });
    try {
      await run();
    } finally {
      backend().binding = binding;
    }
    return count;
  }

  const expectSame = (a: tf.Tensor, b: tf.Tensor) => {
    expect(a.shape).toEqual(b.shape);
    expect(a.dataSync()).toEqual(b.dataSync());
  };

  test('of neurons, with membranes that overflow, too', () => {
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.integer({ min: 1, max: 5 }),
          time: fc.integer({ min: 1, max: 5 }),
          words: fc.integer({ min: 1, max: 40 }),
          neuron: anyNeuron,
          w: fc.constantFrom(undefined, -1, 0.8),
          others: fc.constantFrom([], [Number.NaN, Number.POSITIVE_INFINITY, -3e38]),
          seed: fc.integer({ min: 1, max: 1e6 }),
        }),
        ({ batch, time, words, neuron, w, others, seed }) => {
          tf.tidy(() => {
            // Enough of them to be worth it.
            const rows = Math.ceil(2 ** 16 / (batch * time * words * 32));
            const numbers = normal([batch, time, rows, words * 32], seed, 0.5).dataSync();
            others.forEach((other, i) => {
              numbers[(7919 * (i + 1)) % numbers.length] = other;
            });
            const x = tf.tensor(numbers, [batch, time, rows, words * 32]);
            const learnt = w === undefined ? w : tf.tensor1d([w]);
            const spikes = both(x, neuron as NeuronAttrs, learnt);
            expectSame(spikes.bits, spikes.numbers);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of neurons behind batch norm', () => {
    tf.tidy(() => {
      const x = normal([3, 4, 5, 7, 160], 1, 0.3);
      const [gamma, beta] = [normal([160], 2), normal([160], 3)];
      const batchNorm = { ...attrs, epsilon: 1e-5 };
      const [bits, ...moments] = runBatchNormLIF(x, gamma, beta, batchNorm);
      expect(isBits(bits)).toBe(true);
      const [numbers, ...others] = backend().executeMultipleOutputs(
        'SpikingformerBatchNormLif',
        [...opAttrs(backend(), { floats: { epsilon: 1e-5 } }), ...neuronAttrs(backend(), attrs)],
        [x, gamma, beta],
        3,
      );
      expectSame(bits, numbers!);
      for (const [i, moment] of moments.entries()) expectSame(moment, others[i]!);
    });
  });

  test.each<[string, number[], number[]]>([
    ['a convolution', [3, 4, 12, 12, 64], [3, 3, 64, 64]],
    ['a linear map', [4, 4, 100, 64], [64, 96]],
  ])('of neurons behind %s, from spikes as bits', (_, shape, filterShape) => {
    tf.tidy(() => {
      const { bits, numbers } = both(normal(shape, 1, 0.3));
      const filters = filterShape.at(-1)!;
      const filter = normal(filterShape, 2);
      const [scale, shift] = [normal([filters], 3), normal([filters], 4)];
      const w = undefined as unknown as tf.Tensor;
      const fire = (x: tf.Tensor) =>
        skippingConvLIF(backend(), { x, filter, scale, shift, w }, attrs, 2);
      const fired = fire(bits);
      if (!fired) return expect(fire(numbers)).toBeNull(); // by AMX the product is an op of its own
      const y = runKernel<tf.Tensor>(SpikeConv2D, { x: numbers, filter, scale, shift }, {});
      expect(isBits(fired)).toBe(true);
      expectSame(fired, runMultiStepLIF(y, attrs)[0]);
      expectSame(fire(numbers)!, fired);
      expect(isBits(bits)).toBe(true);
    });
  });

  test.each<[string, number[], number[]]>([
    ['convolutions', [3, 4, 12, 12, 64], [3, 3, 64, 64]],
    ['linear maps', [4, 4, 100, 64], [64, 96]],
  ])('give %s and their gradients the same bits', async (_, shape, filterShape) => {
    const { bits, numbers } = tf.tidy(() => both(normal(shape, 1, 0.3)));
    const filter = normal(filterShape, 2);
    const dy = normal([...shape.slice(0, -1), filterShape.at(-1)!], 3);
    const gradients = (x: tf.Tensor) => tf.grads(runSpikeProduct)([x, filter], dy) as tf.Tensor[];
    await expectNoLeak(() => tf.tidy(() => void gradients(bits)));
    expect(isBits(bits)).toBe(true);
    tf.tidy(() => {
      const [dx, dw] = gradients(numbers);
      const [dx2, dw2] = gradients(bits);
      expectSame(dx2!, dx!);
      expectSame(dw2!, dw!);
      expectSame(runSpikeProduct(bits, filter), runSpikeProduct(numbers, filter));
    });
    tf.dispose([bits, numbers, filter, dy]);
  });

  test.each<[number[]]>([
    [[3, 4, 96, 64]], // more tokens than channels of a head
    [[16, 4, 20, 256]],
  ])('give attention and its gradients the same bits, %p', (shape) => {
    tf.tidy(() => {
      const spikes = [1, 2, 3].map((seed) => both(normal(shape, seed, 0.3)));
      type Factors = [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
      const bits = spikes.map((each) => each.bits) as Factors;
      const numbers = spikes.map((each) => each.numbers) as Factors;
      const attention = { numHeads: 8, scale: 0.125 };
      const run = (name: string, [q, k, v]: Factors) =>
        [runKernel<tf.Tensor | tf.Tensor[]>(name, { q, k, v }, attention)].flat();
      const expectAllSame = (a: tf.Tensor[], b: tf.Tensor[]) => {
        expect(a).toHaveLength(b.length);
        for (const [i, each] of a.entries()) expectSame(each, b[i]!);
      };
      for (const name of [SpikingAttention, PackedSpikingAttention]) {
        expectAllSame(run(name, bits), run(name, numbers));
      }
      const gradient = tf.grads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        runSpikingAttention(q, k, v, attention),
      );
      const dy = normal(shape, 4);
      expectAllSame(gradient(bits, dy), gradient(numbers, dy));
      expect(bits.every(isBits)).toBe(true);
      const mixed: Factors = [bits[0], numbers[1], bits[2]];
      expectAllSame(run(PackedSpikingAttention, mixed), run(PackedSpikingAttention, numbers));
    });
  });

  test('are numbers to whatever else reads them, and unpacked once', async () => {
    await expectNoLeak(async () => {
      const { bits, numbers } = tf.tidy(() => both(normal([2, 4, 128, 96], 1, 0.3)));
      const copy = bits.clone();
      const turned = bits.reshape([8, -1, 96]);
      expect(isBits(copy)).toBe(true);
      expect(isBits(turned)).toBe(true);
      expect(turned.shape).toEqual([8, 128, 96]);
      const count = await unpackings(() =>
        tf.tidy(() => {
          expectSame(bits.add(1), numbers.add(1));
          expectSame(bits.mean(2), numbers.mean(2));
          expectSame(copy, numbers);
        }),
      );
      expect(count).toBe(1);
      expect(isBits(bits)).toBe(false);
      expect(isBits(turned)).toBe(true);
      bits.dispose();
      expect(await copy.data()).toEqual(await numbers.data());
      tf.tidy(() => expectSame(turned, numbers.reshape([8, 128, 96])));
      tf.dispose([copy, turned, numbers]);
    });
  });

  test('move to another backend', async () => {
    const { bits, numbers } = tf.tidy(() => both(normal([2, 4, 128, 96], 1, 0.3)));
    const other = bits.clone();
    const expected = numbers.dataSync();
    await tf.setBackend('cpu');
    try {
      expect(tf.tidy(() => bits.mul(1)).dataSync()).toEqual(expected);
      expect(tf.tidy(() => other.mul(1)).dataSync()).toEqual(expected);
    } finally {
      await tf.setBackend('tensorflow');
    }
    tf.dispose([bits, numbers, other]);
  });

  test('go from layer to layer of a network, which computes what it does without them', async () => {
    const model = spiking.models.create('spikingformer-2-384-cifar10', {
      inputShape: [32, 32, 3],
      timeSteps: 2,
    });
    const x = normal([4, 32, 32, 3], 1);
    let ops: string[] = [];
    const count = await unpackings(async () => {
      ops = await opsOf(backend(), () => expectNoLeak(() => tf.tidy(() => void model.predict(x))));
    });
    expect(ops.filter((op) => /Packed/.test(op)).length).toBeGreaterThan(8);
    // What the classifier takes the mean of.
    expect(count).toBeLessThanOrEqual(1);
    x.dispose();
    model.dispose();
  });
});
