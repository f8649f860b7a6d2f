/** The CUDA kernels of MultiStepLIF, compiled for this CPU, against their specification. */
import * as tf from '@tensorflow/tfjs';
import { MultiStepLIF, MultiStepLIFGrad } from '../../../lib/kernels/multi_step_lif';
import { resolveLIF } from '../../../lib/neuron_params';
import { describeGpuOnCpu, runOnGpu, runThreads } from '../../support/cuda_on_cpu';
import { itIsMultiStepLIF, lifChecker, lifExample } from '../../support/lif_spec';

const defaults = resolveLIF();
const check = lifChecker(runOnGpu);

describeGpuOnCpu('MultiStepLIF as CUDA kernels, on this CPU', () => {
  it.each([1, 7, 40, 41, 2530])('handles %i neurons', (n) => {
    check([2, 4, n], defaults, { v0: true });
    check([3, 1, n], defaults, { w: 0.4 });
  });

  it('steps through long sequences', () => {
    check([1, 300, 21], { ...defaults, vReset: null }, { v0: true, w: -0.3 });
    check([3, 64, 20], { ...defaults, tau: 4 });
  });

  it('gives the same bits in whatever order threads run', () => {
    const once = (order: 'forward' | 'backward') => {
      runThreads(order);
      return tf.tidy(() => {
        const { x, v0, w, dSpikes, dV } = lifExample([3, 5, 1001], { v0: true, w: 0.2 });
        const forward = runOnGpu(MultiStepLIF, { x, v0, w }, defaults);
        const back = runOnGpu(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, defaults);
        return [...forward, ...back].map((tensor) => tensor.dataSync());
      });
    };
    expect(once('backward')).toEqual(once('forward'));
  });

  itIsMultiStepLIF(runOnGpu, { alphas: [0.7], numRuns: 100 });
});
