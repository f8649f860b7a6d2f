/** Spikes that a backend stores as bits, against the same spikes as numbers. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { models } from '../../index';
import { installKernels } from '../../lib/kernels';
import { runSpikingAttention } from '../../lib/kernels/attention';
import { type NeuronAttrs, runMultiStepLIF } from '../../lib/kernels/multi_step_lif';
import { runSpikeConv2D } from '../../lib/kernels/spike_conv2d';
import { runSpikeProduct } from '../../lib/kernels/spike_product';
import { bitsOf, SpikeRecord } from '../../lib/kernels/spike_storage';
import { nativeOpsInUse } from '../../lib/kernels/tensorflow/native_ops';
import { resolveLIF } from '../../lib/neuron_params';
import {
  type BackendWasm,
  engine,
  type TensorflowBackend,
  type WebGPUBackend,
} from '../../lib/tfjs_internals';
import { describeEachBackend, onGPU, repeatably } from '../support/backends';
import { anyNeuron } from '../support/kernels';
import { expectNoLeak } from '../support/leaks';

const attrs = resolveLIF();
const normal = (shape: number[], seed: number, mean = 0) =>
  tf.randomNormal(shape, mean, 1, 'float32', seed);

/** Whether this backend has bits. */
function stores(backend: string): boolean {
  if (backend === 'tensorflow') return typeof nativeOpsInUse() !== 'string';
  return backend === 'wasm' || backend === 'webgpu';
}

function isBits(x: tf.Tensor): boolean {
  const backend = tf.backend() as unknown as BackendWasm & TensorflowBackend & WebGPUBackend;
  return bitsOf(backend.dataIdMap ?? backend.tensorMap, x) !== undefined;
}

/** As in training: some backends store bits there alone. */
function inTraining<T extends tf.TensorContainer>(run: () => T): T {
  return tf.tidy(() => {
    const { state } = engine();
    const activeTape: { saved: tf.Tensor[] }[] = [];
    Object.assign(state, { gradientDepth: 1, activeTape });
    try {
      return run();
    } finally {
      Object.assign(state, { gradientDepth: 0, activeTape: null });
      tf.dispose(activeTape.map(({ saved }) => saved));
    }
  });
}

/** Spikes of neurons as bits, and as numbers. */
function both(x: tf.Tensor, neuron: NeuronAttrs = attrs, w?: tf.Tensor) {
  const [bits] = inTraining(() =>
    runMultiStepLIF(x, neuron, undefined, w, { lastMembranes: false, forLayers: true }),
  );
  const [numbers] = runMultiStepLIF(x, neuron, undefined, w);
  expect(isBits(bits)).toBe(true);
  expect(isBits(numbers)).toBe(false);
  return { bits, numbers };
}

/** How many tensors of spikes stayed bits until they were freed, and how many became numbers. */
async function countRecords(run: () => Promise<void>) {
  const count = { stayed: 0, unpacked: 0 };
  type Methods = { release(): void; becomeNumbers(): void };
  const methods = SpikeRecord.prototype as unknown as Methods;
  const { release, becomeNumbers } = methods;
  methods.release = function (this: SpikeRecord) {
    count.stayed += Number(this.words !== undefined);
    release.call(this);
  };
  methods.becomeNumbers = function (this: SpikeRecord) {
    const had = Number(this.words !== undefined);
    becomeNumbers.call(this);
    count.unpacked += had;
    count.stayed -= had;
  };
  try {
    await run();
  } finally {
    Object.assign(methods, { release, becomeNumbers });
  }
  return count;
}

const expectSame = (a: tf.Tensor, b: tf.Tensor) => {
  expect(a.shape).toEqual(b.shape);
  expect(a.dataSync()).toEqual(b.dataSync());
};

// Each of at least 2^16 numbers: below, tfjs-node stores none; for others a sample is enough.
const products: [string, number[], number[]][] = [
  ['convolutions', [3, 4, 12, 12, 64], [3, 3, 64, 64]],
  ['convolutions of rows that end within a word', [2, 3, 16, 16, 48], [3, 3, 48, 32]],
  ['linear maps', [4, 4, 100, 64], [64, 96]],
];

describeEachBackend('spikes as bits', (backend) => {
  beforeAll(installKernels);

  const large = backend === 'tensorflow';
  const sized = (shape: number[]) => (large ? shape : [1, ...shape.slice(1)]);

  if (!stores(backend)) {
    test('do not exist', () => {
      tf.tidy(() => {
        const x = normal([2, 4, 128, 96], 1, 0.3);
        const given = { lastMembranes: false, forLayers: true };
        const [spikes] = inTraining(() => runMultiStepLIF(x, attrs, undefined, undefined, given));
        expectSame(spikes, runMultiStepLIF(x, attrs)[0]);
      });
    });
    return;
  }
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
            const rows = Math.ceil((large ? 2 ** 16 : 2 ** 12) / (batch * time * words * 32));
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
      { numRuns: onGPU(backend) ? 5 : 20 },
    );
  });

  test.each(products)(
    'give %s and their gradients the same bits',
    async (_, shape, filterShape) => {
      const { bits, numbers } = tf.tidy(() => both(normal(shape, 1, 0.3)));
      const filter = normal(filterShape, 2);
      const dy = normal([...shape.slice(0, -1), filterShape.at(-1)!], 3);
      const gradients = (x: tf.Tensor) => tf.grads(runSpikeProduct)([x, filter], dy) as tf.Tensor[];
      await expectNoLeak(() => tf.tidy(() => void gradients(bits)));
      expect(isBits(bits)).toBe(true);
      repeatably(() =>
        tf.tidy(() => {
          const [dx, dw] = gradients(numbers);
          const [dx2, dw2] = gradients(bits);
          expectSame(dx2!, dx!);
          expectSame(dw2!, dw!);
          expectSame(runSpikeProduct(bits, filter), runSpikeProduct(numbers, filter));
          const filters = filterShape.at(-1)!;
          const [scale, shift] = [normal([filters], 4), normal([filters], 5)];
          const conv = (x: tf.Tensor) => runSpikeConv2D(x, filter, { scale, shift });
          expectSame(conv(bits), conv(numbers));
        }),
      );
      tf.dispose([bits, numbers, filter, dy]);
    },
  );

  test('give a dense product if the filter is infinite, or few are zero', () => {
    tf.tidy(() => {
      const filter = normal([3, 3, 32, 64], 2);
      const infinite = filter.mul(Number.POSITIVE_INFINITY);
      for (const [mean, weights] of [
        [0.3, infinite],
        [9, filter],
      ] as const) {
        const { bits, numbers } = both(normal(sized([3, 4, 16, 16, 32]), 1, mean));
        const loss = (x: tf.Tensor) => tf.grads(runSpikeProduct)([x, weights]) as tf.Tensor[];
        repeatably(() => {
          const [expected, given] = [loss(numbers), loss(bits)];
          given.forEach((gradient, i) => void expectSame(gradient, expected[i]!));
          expectSame(runSpikeProduct(bits, weights), runSpikeProduct(numbers, weights));
        });
      }
    });
  });

  test.each<[number[]]>([
    [[3, 4, 96, 64]], // more tokens than channels of a head
    [[16, 4, 20, 256]],
  ])('give attention and its gradients the same bits, %p', (given) => {
    tf.tidy(() => {
      const shape = sized(given);
      const spikes = [1, 2, 3].map((seed) => both(normal(shape, seed, 0.3)));
      type Factors = [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
      const bits = spikes.map((each) => each.bits) as Factors;
      const numbers = spikes.map((each) => each.numbers) as Factors;
      const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        runSpikingAttention(q, k, v, { numHeads: 8, scale: 0.125 });
      const dy = normal(shape, 4);
      repeatably(() => {
        const [expected, given] = [numbers, bits].map((x) => tf.grads(attend)(x, dy));
        given!.forEach((gradient, i) => void expectSame(gradient, expected![i]!));
        expectSame(attend(...bits), attend(...numbers));
        expect(bits.every(isBits)).toBe(true);
        const mixed: Factors = [bits[0], numbers[1], bits[2]];
        expectSame(attend(...mixed), attend(...numbers));
      });
    });
  });

  test('are numbers to whatever else reads them', async () => {
    await expectNoLeak(async () => {
      const { bits, numbers } = tf.tidy(() => both(normal([2, 4, 128, 96], 1, 0.3)));
      const copy = bits.clone();
      const turned = bits.reshape([8, -1, 96]);
      expect(isBits(copy)).toBe(true);
      expect(isBits(turned)).toBe(true);
      expect(turned.shape).toEqual([8, 128, 96]);
      tf.tidy(() => {
        expectSame(bits.add(1), numbers.add(1));
        expectSame(bits.mean(2), numbers.mean(2));
        expectSame(copy, numbers);
      });
      expect(isBits(bits)).toBe(false);
      bits.dispose();
      expect(await copy.data()).toEqual(await numbers.data());
      tf.tidy(() => expectSame(turned, numbers.reshape([8, 128, 96])));
      tf.dispose([copy, turned, numbers]);
    });
  });

  const readers: [string, (x: tf.Tensor, other: tf.Tensor) => tf.Tensor][] = [
    ['cast', (x) => x.cast('int32')],
    ['concat', (x, other) => tf.concat([x, other], 1)],
    ['gather', (x) => x.gather([1, 0], 0)],
    ['slice', (x) => x.slice([1, 0, 3])],
    ['transpose', (x) => x.transpose([3, 1, 2, 0])],
    ['addition of two', (x, other) => x.add(other)],
    ['max pool', (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same')],
  ];
  test.each(readers)('are numbers to a %s', (_, read) => {
    tf.tidy(() => {
      const [first, second] = [1, 2].map((seed) => both(normal([2, 8, 96, 64], seed, 0.3)));
      expectSame(read(first!.bits, second!.bits), read(first!.numbers, second!.numbers));
    });
  });

  test('move to another backend', async () => {
    const { bits, numbers } = tf.tidy(() => both(normal([2, 4, 128, 96], 1, 0.3)));
    const other = bits.clone();
    const expected = await numbers.data();
    await tf.setBackend('cpu');
    try {
      expect(tf.tidy(() => bits.mul(1)).dataSync()).toEqual(expected);
      expect(tf.tidy(() => other.mul(1)).dataSync()).toEqual(expected);
    } finally {
      await tf.setBackend(backend);
    }
    tf.dispose([bits, numbers, other]);
  });

  test('go from layer to layer of a network in training', async () => {
    const model = models.spikingformer({
      inputShape: [32, 32, 3],
      numClasses: 10,
      embedDim: 128,
      depth: 1,
      numHeads: 4,
      timeSteps: 2,
    });
    const x = normal([large ? 16 : 1, 32, 32, 3], 1);
    const loss = () =>
      (model.apply(x, { training: true }) as tf.Tensor).square().mean() as tf.Scalar;
    const { stayed, unpacked } = await countRecords(() =>
      expectNoLeak(() => tf.tidy(() => void tf.variableGrads(loss))),
    );
    expect(stayed).toBeGreaterThan(4);
    // What the classifier takes the mean of.
    expect(unpacked).toBeLessThanOrEqual(1);
    x.dispose();
    model.dispose();
  });

  test('leave nothing behind if nothing reads them', async () => {
    const x = normal([2, 4, 128, 96], 1, 0.3);
    await expectNoLeak(() => tf.tidy(() => void both(x)));
    x.dispose();
  });
});
