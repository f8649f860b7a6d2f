/** What MultiStepLIF on webgl and webgpu share besides their programs. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import { runStockKernel } from '../override';

/** Calls `run` with 1 / tau, by tfjs's sigmoid if it is learned. */
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

/** The shape of the membranes for x `[batch, time, ...]`. */
export const stateShape = ([batch, , ...rest]: number[]) => [batch!, ...rest];
