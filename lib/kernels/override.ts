/**
 * Replaces tfjs's kernels with this library's: silently, once, and in any import order. It keeps the replaced ones, for
 * cases that ours do not handle.
 */
import {
  backend,
  getBackend,
  getKernel,
  type KernelBackend,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs';
import { shared } from '../shared';

/** Marks kernel functions of this library, including those of another copy of it. */
const OURS = Symbol.for('tfjs-spikingformer.kernel');

function isOurs(config: KernelConfig | undefined): boolean {
  return config !== undefined && OURS in config.kernelFunc;
}

const replaced = shared('replacedKernels', () => new Map<string, KernelFunc>());
const keyOf = (kernelName: string, backendName: string) => `${backendName}_${kernelName}`;

/** tfjs's kernel of that name, even if ours has replaced it. */
export function stockKernel(kernelName: string, backendName: string): KernelFunc | undefined {
  return (
    replaced.get(keyOf(kernelName, backendName)) ?? getKernel(kernelName, backendName)?.kernelFunc
  );
}

/** Runs tfjs's kernel of that name, which has one output, even if ours has replaced it. */
export function runStockKernel(
  kernelName: string,
  backendName: string,
  inputs: Record<string, TensorInfo>,
  backend: KernelBackend,
  attrs: object = {},
): TensorInfo {
  const kernelFunc = stockKernel(kernelName, backendName);
  if (!kernelFunc) throw new Error(`The backend ${backendName} has no kernel '${kernelName}'`);
  return kernelFunc({ inputs, backend, attrs: attrs as NamedAttrMap }) as TensorInfo;
}

/** Replaces one of tfjs's kernels, unless this one or another copy's is already there. */
export function installOverride(override: KernelConfig): void {
  const { kernelName, backendName } = override;
  const present = getKernel(kernelName, backendName);
  if (isOurs(present)) return;
  if (present) {
    replaced.set(keyOf(kernelName, backendName), present.kernelFunc);
    unregisterKernel(kernelName, backendName);
    // tfjs sets its kernels up when the backend starts; one that was imported later has missed that.
    if (getBackend() === backendName) present.setupFunc?.(backend());
  }
  Object.defineProperty(override.kernelFunc, OURS, { value: true, configurable: true });
  registerKernel({
    ...override,
    setupFunc: present?.setupFunc,
    disposeFunc: present?.disposeFunc,
  });
}
