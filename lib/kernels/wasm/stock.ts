/** tfjs's own kernels: called by ours, and kept when ours take their place. */
import type { KernelConfig, KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import { getKernel } from '@tensorflow/tfjs';
import type { BackendWasm } from './backend';

const replaced = new Map<string, KernelFunc>();

/** Keeps the kernel that one of ours replaces, for what ours leaves to it. */
export function keepStock(stock: KernelConfig): void {
  replaced.set(`${stock.backendName}_${stock.kernelName}`, stock.kernelFunc);
}

/** Runs tfjs's wasm kernel of that name, whether or not ours has taken its place. */
export function runStock(
  kernelName: string,
  inputs: Record<string, TensorInfo>,
  backend: BackendWasm,
  attrs: object = {},
): TensorInfo {
  const kernelFunc =
    replaced.get(`wasm_${kernelName}`) ?? getKernel(kernelName, 'wasm')?.kernelFunc;
  if (!kernelFunc) throw new Error(`The wasm backend has no kernel '${kernelName}'`);
  return kernelFunc({ inputs, backend, attrs: attrs as NamedAttrMap }) as TensorInfo;
}
