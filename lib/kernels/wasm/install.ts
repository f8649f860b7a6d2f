/** Puts the overrides in the place of tfjs's kernels: quietly, once, and whatever the import order. */
import {
  backend,
  getBackend,
  getKernel,
  type KernelConfig,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs';
import { keepStock } from './stock';

/** Marks kernel functions of this library, also those of another copy of it. */
const OURS = Symbol.for('tfjs-spikingformer.kernel');

function isOurs(config: KernelConfig | undefined): boolean {
  return config !== undefined && OURS in config.kernelFunc;
}

/** Registers one kernel over tfjs's, unless it or another copy's is there. */
export function installOverride(override: KernelConfig): void {
  const { kernelName, backendName } = override;
  const present = getKernel(kernelName, backendName);
  if (isOurs(present)) return;
  if (present) {
    keepStock(present);
    unregisterKernel(kernelName, backendName);
    // tfjs sets its kernels up when the backend starts: one that was imported later has missed that.
    if (getBackend() === backendName) present.setupFunc?.(backend());
  }
  Object.defineProperty(override.kernelFunc, OURS, { value: true, configurable: true });
  registerKernel({
    ...override,
    setupFunc: present?.setupFunc,
    disposeFunc: present?.disposeFunc,
  });
}
