/** The webgl backend's kernels: native ones, and replacements for stock ones. */
import { env, getKernel, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs';
import type { WebGLBackend } from '../../tfjs_internals';
import type { Backend } from '../kernel';
import { type PadAttrs, pad } from '../shaders/pad';
import { kernel } from './backend';
import { batchNormKernels } from './batch_norm';
import { maxPoolGradOverride, maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';

/** WebGL 1 has neither loops of any length nor bit operations: composed forms run. */
const canRun = () => env().getNumber('WEBGL_VERSION') === 2;

const padOverride = kernel<{ x: TensorInfo }, PadAttrs>('PadV2', ({ x }, backend, attrs) =>
  pad(x, attrs, backend, 'webgl'),
);

/**
 * tfjs 4.22 mistakes a device with 32-bit textures for one with 16-bit textures, and sets the epsilon of its optimizers
 * and losses to 1e-4 instead of 1e-7.
 */
function correctPrecision(backend: KernelBackend): void {
  if (!env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) return;
  (backend as WebGLBackend).floatPrecisionValue = 32;
}

export const webgl: Backend = {
  name: 'webgl',
  kernels: () => (canRun() ? [...multiStepLIFKernels, ...batchNormKernels, ...maxPoolKernels] : []),
  overrides: () => {
    if (!canRun()) return [];
    // Our padding falls back to tfjs's kernel, so it needs that one.
    return [maxPoolGradOverride, ...(getKernel('PadV2', 'webgl') ? [padOverride] : [])];
  },
  onInstall: correctPrecision,
};
