/** Spikes that tfjs-node stores as bits: what it has beyond ../spike_storage.test.ts. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from '../../../index';
import { installKernels, runKernel } from '../../../lib/kernels';
import { PackedSpikingAttention } from '../../../lib/kernels/attention';
import { runBatchNormLIF } from '../../../lib/kernels/batch_norm_lif';
import { type NeuronAttrs, runMultiStepLIF } from '../../../lib/kernels/multi_step_lif';
import { SpikeConv2D } from '../../../lib/kernels/spike_conv2d';
import { bitsOf } from '../../../lib/kernels/spike_storage';
import { opAttrs, tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { neuronAttrs } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { skippingConvLIF } from '../../../lib/kernels/tensorflow/spikes';
import { resolveLIF } from '../../../lib/neuron_params';
import '../../support/backends';
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
        skippingConvLIF(backend(), { x, filter, scale, shift, w }, { ...attrs, epsilon: 0 }, 2);
      const fired = fire(bits);
      if (!fired) return expect(fire(numbers)).toBeNull(); // by AMX the product is an op of its own
      const y = runKernel<tf.Tensor>(SpikeConv2D, { x: numbers, filter, scale, shift }, {});
      expect(isBits(fired)).toBe(true);
      expectSame(fired, runMultiStepLIF(y, attrs)[0]);
      expectSame(fire(numbers)!, fired);
      expect(isBits(bits)).toBe(true);
    });
  });

  test('give attention in training the same bits, and numbers if one is numbers', () => {
    tf.tidy(() => {
      const spikes = [1, 2, 3].map((seed) => both(normal([3, 4, 96, 64], seed, 0.3)));
      type Factors = [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
      const bits = spikes.map((each) => each.bits) as Factors;
      const numbers = spikes.map((each) => each.numbers) as Factors;
      const run = ([q, k, v]: Factors) =>
        runKernel<tf.Tensor[]>(PackedSpikingAttention, { q, k, v }, { numHeads: 8, scale: 0.125 });
      const expected = run(numbers);
      for (const factors of [bits, [bits[0], numbers[1], bits[2]] as Factors]) {
        const made = run(factors);
        expect(made).toHaveLength(2);
        made.forEach((each, i) => void expectSame(each, expected[i]!));
      }
    });
  });

  test('are unpacked once, each shape for itself', async () => {
    const { bits, numbers } = tf.tidy(() => both(normal([2, 4, 128, 96], 1, 0.3)));
    const copy = bits.clone();
    const turned = bits.reshape([8, -1, 96]);
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
    tf.dispose([bits, copy, turned, numbers]);
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
