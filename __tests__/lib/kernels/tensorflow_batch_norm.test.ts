/** Batch norm on tfjs-node, TensorFlow's op and our own, and ours with neurons behind it, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { batchNormLIFTraining } from '../../../lib/batch_norm';
import * as composed from '../../../lib/kernels/batch_norm';
import { BatchNormTraining, BatchNormTrainingGrad } from '../../../lib/kernels/batch_norm';
import { BatchNormLIF, BatchNormLIFGrad } from '../../../lib/kernels/batch_norm_lif';
import { MultiStepLIF, MultiStepLIFGrad } from '../../../lib/kernels/multi_step_lif';
import { surrogateNames } from '../../../lib/kernels/surrogate';
import {
  batchNormKernels,
  nativeBatchNormKernels,
} from '../../../lib/kernels/tensorflow/batch_norm';
import { multiStepLIFKernels } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { resolveLIF } from '../../../lib/neuron_params';
import '../../../lib'; // Registers the gradients.
import { expectClose, expectSameNumbers, expectSpikesEqual } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps, describeTensorflow } from '../../support/tensorflow';

type Named = Record<string, tf.Tensor>;

function run(kernels: tf.KernelConfig[], name: string, inputs: Named, attrs: object) {
  const { kernelFunc } = kernels.find(({ kernelName }) => kernelName === name)!;
  return [
    kernelFunc({ inputs, backend: tf.backend(), attrs: attrs as tf.NamedAttrMap }),
  ].flat() as tf.Tensor[];
}

function example(shape: number[], seed = 1, offset = 3) {
  const channels = [shape.at(-1)!];
  const random = (of: number[], more: number, mean = 0, deviation = 1) =>
    tf.randomNormal(of, mean, deviation, 'float32', seed + more);
  return {
    x: random(shape, 0, offset, 2),
    gamma: random(channels, 1, 1),
    beta: random(channels, 2),
    dy: random(shape, 3),
  };
}

const attrs = { epsilon: 1e-5 };
const outputs = ['y', 'mean', 'variance'];
const gradients = ['dx', 'dgamma', 'dbeta'];
const shapes = [
  ...[
    [7, 3],
    [2, 5, 4],
    [2, 3, 5, 6],
    [3, 4, 8, 8, 16],
    [1, 1],
    [5, 1],
    [300, 1, 33],
  ],
  ...[
    [2, 3, 4100],
    [16, 4, 16, 16, 17],
  ],
];

function asSpecified(kernels: tf.KernelConfig[]) {
  it.each(shapes.map((shape) => [shape]))('of %j, and so is its gradient', (shape) => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = example(shape);
      const got = run(kernels, BatchNormTraining, { x, gamma, beta }, attrs);
      const expected = composed.batchNormTraining(x, gamma, beta, attrs);
      for (const [i, name] of outputs.entries()) {
        expect(got[i]!.shape).toEqual(expected[i]!.shape);
        expectClose(got[i]!, expected[i]!, name, { rtol: 1e-5, atol: 1e-5 });
      }
      const [, mean, variance] = expected as [tf.Tensor, tf.Tensor, tf.Tensor];
      const inputs = { dy, x, gamma, mean, variance };
      const back = run(kernels, BatchNormTrainingGrad, inputs, attrs);
      const specified = composed.batchNormTrainingGrad(dy, x, gamma, mean, variance, attrs);
      for (const [i, name] of gradients.entries()) {
        expect(back[i]!.shape).toEqual(specified[i]!.shape);
        expectClose(back[i]!, specified[i]!, name, { rel_to_max: 1e-5, atol: 1e-5 });
      }
    });
  });
}

describeTensorflow("batch norm as TensorFlow's op is the composed form", () =>
  asSpecified(batchNormKernels),
);

describeNativeOps('batch norm as our own op is the composed form', () => {
  asSpecified(nativeBatchNormKernels);

  it('has statistics as exact as float64, also far from zero', () => {
    const [rows, channels] = [5000, 5];
    const x = Float32Array.from({ length: rows * channels }, (_, i) => 1000 + Math.sin(i) * 0.5);
    tf.tidy(() => {
      const ones = tf.ones([channels]);
      const inputs = { x: tf.tensor(x, [rows, channels]), gamma: ones, beta: ones };
      const [, mean, variance] = run(nativeBatchNormKernels, BatchNormTraining, inputs, attrs);
      for (let c = 0; c < channels; c++) {
        const of = x.filter((_, i) => i % channels === c);
        const m = of.reduce((sum, value) => sum + value, 0) / rows;
        const v = of.reduce((sum, value) => sum + (value - m) ** 2, 0) / rows;
        expect(mean!.dataSync()[c]).toBe(Math.fround(m));
        expect(variance!.dataSync()[c]! / v).toBeCloseTo(1, 6);
      }
    });
  });

  it('gives the same numbers whenever it runs', () => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = example([16, 4, 16, 16, 33], 5);
      const once = () => {
        const [y, mean, variance] = run(
          ...([nativeBatchNormKernels, BatchNormTraining, { x, gamma, beta }, attrs] as const),
        );
        const inputs = { dy, x, gamma, mean: mean!, variance: variance! };
        const back = run(nativeBatchNormKernels, BatchNormTrainingGrad, inputs, attrs);
        return [y!, mean!, variance!, ...back];
      };
      const first = once();
      for (let i = 0; i < 5; i++) {
        for (const [k, tensor] of once().entries()) {
          expectSameNumbers(tensor, first[k]!, [...outputs, ...gradients][k]!);
        }
      }
    });
  });

  it('lets NaN be seen', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, Number.NaN, 4], [2, 2]);
      const inputs = { x, gamma: tf.ones([2]), beta: tf.zeros([2]) };
      const [y, , variance] = run(nativeBatchNormKernels, BatchNormTraining, inputs, attrs);
      expect([...y!.dataSync()].map(Number.isNaN)).toEqual([true, false, true, false]);
      expect([...variance!.dataSync()].map(Number.isNaN)).toEqual([true, false]);
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const wrong = { x: tf.zeros([2, 3]), gamma: tf.ones([4]), beta: tf.ones([3]) };
      const call = () => run(nativeBatchNormKernels, BatchNormTraining, wrong, attrs);
      expect(call).toThrow('gamma must have 3 numbers, but has 4');
    });
  });
});

/** The one op against the two that it stands for: each spike and statistic, and the gradient to rounding. */
function checkLIF(shape: number[], neuron: object, seed = 1) {
  tf.tidy(() => {
    const { x, gamma, beta, dy } = example(shape, seed);
    const both = { ...attrs, ...neuron };
    const weighted = { x, gamma, beta };
    const [y, mean, variance] = run(nativeBatchNormKernels, BatchNormTraining, weighted, attrs);
    const alone = { ...neuron, lastMembranes: false };
    const [expected] = run(multiStepLIFKernels, MultiStepLIF, { x: y! }, alone);
    const got = run(nativeBatchNormKernels, BatchNormLIF, weighted, both);
    expectSpikesEqual(got[0]!, expected!);
    expect(got[1]!.dataSync()).toEqual(mean!.dataSync());
    expect(got[2]!.dataSync()).toEqual(variance!.dataSync());

    const behind = { x: y!, dSpikes: dy, dV: tf.tensor1d([]) };
    const [dy2] = run(multiStepLIFKernels, MultiStepLIFGrad, behind, alone);
    const saved = { x, gamma, mean: mean!, variance: variance! };
    const specified = composed.batchNormTrainingGrad(dy2!, x, gamma, mean!, variance!, attrs);
    const back = run(nativeBatchNormKernels, BatchNormLIFGrad, { dy, ...saved, beta }, both);
    for (const [i, name] of gradients.entries()) {
      expect(back[i]!.shape).toEqual(specified[i]!.shape);
      // Sums of which most cancels: dgamma and dbeta over all rows.
      expectClose(back[i]!, specified[i]!, name, { rel_to_max: 1e-5, atol: 1e-5 });
    }
  });
}

describeNativeOps('batch norm and LIF as one op', () => {
  const lif = resolveLIF();

  it.each([
    [[2, 1, 3]],
    [[1, 4, 1]],
    [[2, 4, 5, 3]],
    [[3, 2, 7, 1, 33]],
    [[16, 4, 8, 8, 64]],
    [[2, 4, 3, 1030]],
    [[2, 3, 2, 4100]],
    [[4, 40, 9, 20]],
    [[2, 4, 15_001, 35]],
  ])('is the two that it stands for, of %j', (shape) => checkLIF(shape, lif));

  it('is so for any neuron', () => {
    const neurons = fc.record({
      tau: fc.constantFrom(1.25, 2, 3, 7.3),
      vThreshold: fc.constantFrom(0.5, 1, 1.3),
      vReset: fc.constantFrom(null, 0, -0.2, 0.3),
      detachReset: fc.boolean(),
      decayInput: fc.boolean(),
      surrogate: fc.constantFrom(...surrogateNames),
    });
    const shape = fc.tuple(...([2, 5, 40, 40] as const).map((max) => fc.integer({ min: 1, max })));
    fc.assert(
      fc.property(neurons, shape, fc.integer({ min: 1, max: 1e6 }), (neuron, of, seed) => {
        fc.pre(of[0]! * of[1]! * of[2]! > 1);
        checkLIF(of, resolveLIF(neuron), seed);
      }),
      { numRuns: 150 },
    );
  });

  it('is what runs, and leaves nothing behind', async () => {
    const { x, gamma, beta } = example([2, 4, 3, 8]);
    const fire = (of: tf.Tensor) => batchNormLIFTraining(of, gamma, beta, lif).spikes;
    const { kernelNames } = await tf.profile(() => tf.tidy(() => fire(x)));
    expect(kernelNames).toEqual([BatchNormLIF]);
    await expectNoLeak(() => tf.tidy(() => expect(tf.grad(fire)(x).shape).toEqual(x.shape)));
    tf.dispose([x, gamma, beta]);
  });
});
