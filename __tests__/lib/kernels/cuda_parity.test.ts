/**
 * The golden numbers of SpikingJelly and of the authors' modules, with the backend cpu's neurons, batch norm, pooling
 * and attention from the CUDA kernels, compiled for this CPU: the same tests as of any other backend.
 */
import { describeGpuOnCpu, opsRun, takeGpuKernels } from '../../support/cuda_on_cpu';

process.env.SPIKINGFORMER_TEST_BACKENDS = 'cpu';

describeGpuOnCpu('golden numbers from CUDA kernels, on this CPU', () => {
  takeGpuKernels();
  require('../neuron_parity.test');
  require('../non_finite.test');
  require('../non_finite_properties.test');
  require('../../layers/parity.test');

  it('came from them', () => {
    const names = ['MultiStepLif', 'BatchNorm', 'BatchNormLif', 'FirstMaxPool', 'Attention'];
    const expected = ['Blend', ...names.flatMap((name) => [name, `${name}Grad`])];
    expect([...opsRun].sort()).toEqual(expected.map((name) => `Spikingformer${name}`).sort());
  });
});
