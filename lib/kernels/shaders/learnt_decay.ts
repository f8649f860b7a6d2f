/** What MultiStepLIF on webgl and on webgpu do alike around their programs. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import { runStockKernel } from '../override';

/** 1 / tau where it is learnt, by tfjs's own sigmoid, for `run`. */
export function withDecay<T>(
  w: TensorInfo | undefined,
  backendName: 'webgl' | 'webgpu',
  backend: KernelBackend,
  run: (decay?: TensorInfo) => T,
): T {
  const decay = w && runStockKernel('Sigmoid', backendName, { x: w }, backend);
  const result = run(decay);
  if (decay) backend.disposeData(decay.dataId);
  return result;
}

/** The membranes' shape of x `[batch, time, ...]`. */
export const stateShape = ([batch, , ...rest]: number[]) => [batch!, ...rest];
