/** Batch norm on tfjs-node, TensorFlow's op and our own, and ours with neurons behind it, against their specification. */
import * as tf from '@tensorflow/tfjs';
import { batchNormLIFTraining } from '../../../lib/batch_norm';
import { BatchNormTraining, BatchNormTrainingGrad } from '../../../lib/kernels/batch_norm';
import { BatchNormLIF } from '../../../lib/kernels/batch_norm_lif';
import {
  batchNormKernels,
  nativeBatchNormKernels,
} from '../../../lib/kernels/tensorflow/batch_norm';
import { multiStepLIFKernels } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { resolveLIF } from '../../../lib/neuron_params';
import '../../../lib'; // Registers the gradients.
import { expectSameNumbers } from '../../support/compare';
import { runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import {
  itIsBatchNorm,
  itIsBatchNormLIF,
  itIsExact,
  normAttrs,
  normExample,
  normGradients,
  normOutputs,
} from '../../support/norm_spec';
import { describeNativeOps, describeTensorflow } from '../../support/tensorflow';

const run = runnerOf([...nativeBatchNormKernels, ...multiStepLIFKernels]);

const shapes = [
  [7, 3],
  [2, 5, 4],
  [2, 3, 5, 6],
  [3, 4, 8, 8, 16],
  [1, 1],
  [5, 1],
  [300, 1, 33],
  [2, 3, 4100],
  [16, 4, 16, 16, 17],
];

describeTensorflow("batch norm as TensorFlow's op is the composed form", () =>
  itIsBatchNorm(runnerOf(batchNormKernels), shapes),
);

describeNativeOps('batch norm as our own op is the composed form', () => {
  itIsBatchNorm(run, shapes);
  itIsExact(run, 5000, 5);

  it('gives the same numbers whenever it runs', () => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = normExample([16, 4, 16, 16, 33], 5);
      const once = () => {
        const [y, mean, variance] = run(BatchNormTraining, { x, gamma, beta }, normAttrs);
        const inputs = { dy, x, gamma, mean: mean!, variance: variance! };
        const back = run(BatchNormTrainingGrad, inputs, normAttrs);
        return [y!, mean!, variance!, ...back];
      };
      const first = once();
      for (let i = 0; i < 5; i++) {
        for (const [k, tensor] of once().entries()) {
          expectSameNumbers(tensor, first[k]!, [...normOutputs, ...normGradients][k]!);
        }
      }
    });
  });
});

describeNativeOps('batch norm and LIF as one op', () => {
  const lifShapes = [
    [2, 1, 3],
    [1, 4, 1],
    [2, 4, 5, 3],
    [3, 2, 7, 1, 33],
    [16, 4, 8, 8, 64],
    [2, 4, 3, 1030],
    [2, 3, 2, 4100],
    [4, 40, 9, 20],
    [2, 4, 15_001, 35],
  ];
  itIsBatchNormLIF(run, lifShapes, 150);

  it('is what runs, and leaves nothing behind', async () => {
    const { x, gamma, beta } = normExample([2, 4, 3, 8]);
    const fire = (of: tf.Tensor) => batchNormLIFTraining(of, gamma, beta, resolveLIF()).spikes;
    const { kernelNames } = await tf.profile(() => tf.tidy(() => fire(x)));
    expect(kernelNames).toEqual([BatchNormLIF]);
    await expectNoLeak(() => tf.tidy(() => expect(tf.grad(fire)(x).shape).toEqual(x.shape)));
    tf.dispose([x, gamma, beta]);
  });
});
