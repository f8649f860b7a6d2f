/**
 * The golden numbers of SpikingJelly and of the authors' modules, with the backend cpu's neurons, batch norm, pooling
 * and attention from the CUDA kernels, compiled for this CPU: the same tests as of any other backend.
 */
process.env.SPIKINGFORMER_TEST_BACKENDS = 'cpu';
// Not by import, which would find all backends before that line.
const { describeGpuOnCpu, opsRun, takeGpuKernels } =
  require('../../support/cuda_on_cpu') as typeof import('../../support/cuda_on_cpu');

describeGpuOnCpu('golden numbers from CUDA kernels, on this CPU', () => {
  takeGpuKernels();
  require('../neuron_parity.test');
  require('../non_finite.test');
  require('../non_finite_properties.test');
  require('../../layers/parity.test');

  it('came from them', () => {
    const names = ['MultiStepLif', 'BatchNorm', 'BatchNormLif', 'FirstMaxPool', 'Attention'];
    const expected = ['RunningStatistics', ...names.flatMap((name) => [name, `${name}Grad`])];
    expect([...opsRun].sort()).toEqual(expected.map((name) => `Spikingformer${name}`).sort());
  });
});
