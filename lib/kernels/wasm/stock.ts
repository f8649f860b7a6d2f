/** tfjs's own wasm kernels, called by ours. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { stockKernel } from '../override';

/** Runs tfjs's wasm kernel of that name, even if ours has replaced it. */
export function runStock(
  kernelName: string,
  inputs: Record<string, TensorInfo>,
  backend: BackendWasm,
  attrs: object = {},
): TensorInfo {
  const kernelFunc = stockKernel(kernelName, 'wasm');
  if (!kernelFunc) throw new Error(`The wasm backend has no kernel '${kernelName}'`);
  return kernelFunc({ inputs, backend, attrs: attrs as NamedAttrMap }) as TensorInfo;
}
