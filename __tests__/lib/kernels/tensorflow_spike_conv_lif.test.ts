/** The native op of spikes' convolutions with neurons behind them, against the two ops that it replaces. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installKernels, runKernel } from '../../../lib/kernels';
import { MultiStepLIF, type NeuronAttrs } from '../../../lib/kernels/multi_step_lif';
import { SpikeConv2DLIF } from '../../../lib/kernels/spike_conv_lif';
import { SpikeConv2D } from '../../../lib/kernels/spike_conv2d';
import { tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { multipliesByAmx } from '../../../lib/kernels/tensorflow/native_ops';
import { skippingConv, skippingConvLIF } from '../../../lib/kernels/tensorflow/spikes';
import { resolveIF, resolveLIF } from '../../../lib/neuron_params';
import { spikeConvLIF } from '../../../lib/spike_conv';
import '../../support/backends';
import { anyNeuron, anySizes } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { opsOf } from '../../support/stock';
import { describeNativeOps } from '../../support/tensorflow';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const spikesOf = (shape: number[], density: number, seed: number) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).less(density).cast('float32');

/** Spikes `shape` by a filter of that size, or a matrix for size 0, whose output makes neurons fire now and then. */
function example(shape: number[], size: number, filters: number, density = 0.2, seed = 1) {
  const channels = shape.at(-1)!;
  const filterShape = size === 0 ? [channels, filters] : [size, size, channels, filters];
  return {
    x: spikesOf(shape, density, seed),
    filter: normal(filterShape, seed + 1),
    scale: tf.randomUniform([filters], -1, 1, 'float32', seed + 2),
    shift: normal([filters], seed + 3),
  };
}

describeNativeOps('convolutions of spikes with neurons behind them', () => {
  const backend = () => tensorflowBackend()!;
  beforeAll(installKernels);

  /** Whatever share of x is spikes. */
  function check(inputs: ReturnType<typeof example>, attrs: NeuronAttrs, w?: tf.Tensor): void {
    const { x, filter, scale, shift } = inputs;
    const given = { ...inputs, ...(w && { w }) };
    const spikes = skippingConvLIF(backend(), given as never, { ...attrs, epsilon: 0 }, 2)!;
    const sixteens = [x, filter].every((tensor) => tensor.shape.at(-1)! % 16 === 0);
    if (sixteens && multipliesByAmx(false)) {
      expect(spikes).toBeNull(); // by AMX the product is an op of its own
      return;
    }
    const y = skippingConv(backend(), x, filter, { affine: { scale, shift }, most: 2 }).y!;
    const lif = { x: y, ...(w && { w }) };
    const neurons = { ...attrs, lastMembranes: true };
    const [expected] = runKernel<tf.Tensor[]>(MultiStepLIF, lif, neurons);
    expect(spikes.shape).toEqual(expected!.shape);
    expect(spikes.dataSync()).toEqual(expected!.dataSync());
  }

  const any = {
    time: fc.integer({ min: 1, max: 6 }),
    filters: fc.integer({ min: 1, max: 150 }),
    density: fc.constantFrom(0, 0.05, 0.3, 1),
    attrs: fc.oneof(anyNeuron, fc.constant(resolveIF()), fc.constant(resolveIF({ vReset: null }))),
    w: fc.constantFrom(undefined, -1, 0, 0.8),
    seed: fc.integer({ min: 1, max: 1e6 }),
  };

  test('of images, fire as the two ops do', () => {
    fc.assert(
      fc.property(
        fc.record({ ...any, sides: anySizes(5, 16, 16, 40), size: fc.constantFrom(1, 3, 5) }),
        ({ time, filters, density, attrs, w, seed, sides, size }) => {
          const [batch, ...image] = sides;
          tf.tidy(() => {
            const inputs = example([batch!, time, ...image], size, filters, density, seed);
            check(inputs, attrs as NeuronAttrs, w === undefined ? w : tf.tensor1d([w]));
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  test('of tokens, fire as the two ops do', () => {
    fc.assert(
      fc.property(
        fc.record({ ...any, sides: anySizes(5, 300, 150), more: fc.boolean() }),
        ({ time, filters, density, attrs, w, seed, sides, more }) => {
          const [batch, tokens, channels] = sides as [number, number, number];
          tf.tidy(() => {
            const shape = [batch, time, ...(more ? [tokens, 1] : [tokens]), channels];
            const inputs = example(shape, 0, filters, density, seed);
            check(inputs, attrs as NeuronAttrs, w === undefined ? w : tf.tensor1d([w]));
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  test.each<[string, number[], number, number]>([
    ['more samples than a piece', [70, 2, 3, 3, 20], 3, 40],
    ['one step of many samples', [300, 1, 2, 20], 0, 40],
    ['more rows than a piece', [2, 4, 40, 33, 8], 3, 20],
    ['more filters than a piece has pixels', [3, 4, 9, 9, 30], 1, 4100],
    ['only batch, time and channels', [30, 5, 64], 0, 200],
  ])('take %s', (_, shape, size, filters) => {
    tf.tidy(() => check(example(shape, size, filters), resolveLIF()));
  });

  test('are the two ops if x is no spikes, or has many, or rows are wide, or a weight is infinite', async () => {
    const attrs = resolveLIF();
    const inputs = example([2, 4, 16, 16, 8], 3, 64);
    const isTwo = async (change: object) => {
      const given = { ...inputs, ...change };
      let spikes!: tf.Tensor;
      const ops = await opsOf(backend(), () => {
        spikes = runKernel(SpikeConv2DLIF, given, { ...attrs, epsilon: 0 });
      });
      const x = runKernel<tf.Tensor>(SpikeConv2D, given, {});
      const neurons = { ...attrs, lastMembranes: true };
      const [expected] = runKernel<tf.Tensor[]>(MultiStepLIF, { x }, neurons);
      expect(spikes.dataSync()).toEqual(expected!.dataSync());
      return ops.some((op) => op.endsWith('MultiStepLif'));
    };
    expect(await isTwo({})).toBe(false);
    expect(await isTwo({ x: inputs.x.mul(2) })).toBe(true);
    expect(await isTwo({ x: spikesOf(inputs.x.shape, 0.8, 1) })).toBe(true);
    expect(await isTwo({ x: spikesOf([1, 8, 2, 300, 8], 0.2, 1) })).toBe(true);
    expect(await isTwo({ filter: inputs.filter.div(0) })).toBe(true);
  });

  test('are what runs, and leave nothing behind', async () => {
    const { x, filter, scale, shift } = example([2, 4, 16, 16, 8], 3, 64);
    const fire = () =>
      spikeConvLIF(x, filter, { scale, shift }, { attrs: resolveLIF(), w: tf.tensor1d([0.3]) });
    const { kernelNames } = await tf.profile(() => tf.tidy(fire));
    expect(kernelNames).toContain(SpikeConv2DLIF);
    expect(kernelNames).not.toContain(MultiStepLIF);
    await expectNoLeak(() => tf.tidy(() => expect(fire().shape).toEqual([2, 4, 16, 16, 64])));
    tf.dispose([x, filter, scale, shift]);
  });
});
