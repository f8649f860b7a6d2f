/** The webgl backend's kernels: this library's own, and the stock ones that it replaces. */
import { env, getKernel, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs';
import type { WebGLBackend } from '../../tfjs_internals';
import type { Backend } from '../kernel';
import { type PadAttrs, pad } from '../shaders/pad';
import { kernel } from './backend';
import { batchNormKernels } from './batch_norm';
import { maxPoolGradOverride, maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';

/** WebGL 1 has neither loops of any length nor bits of numbers: composed forms serve. */
const canRun = () => env().getNumber('WEBGL_VERSION') === 2;

const padOverride = kernel<{ x: TensorInfo }, PadAttrs>('PadV2', ({ x }, backend, attrs) =>
  pad(x, attrs, backend, 'webgl'),
);

/**
 * tfjs 4.22 takes a device with 32-bit textures for one with 16-bit ones, and makes the epsilon of its
 * optimizers and losses 1e-4 instead of 1e-7 there.
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
    // Padding leaves to tfjs what it can do: nothing without tfjs's own.
    return [maxPoolGradOverride, ...(getKernel('PadV2', 'webgl') ? [padOverride] : [])];
  },
  onInstall: correctPrecision,
};
