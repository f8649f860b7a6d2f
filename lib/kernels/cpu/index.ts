/** The cpu backend's kernels. */
import { batchNormKernels } from './batch_norm';
import { maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';

export const cpuKernels = [...multiStepLIFKernels, ...batchNormKernels, ...maxPoolKernels];
