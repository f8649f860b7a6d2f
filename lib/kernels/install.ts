/**
 * Gives the current backend every kernel it needs: a native one if there is one, else the composed form. It also
 * replaces those of tfjs's kernels that are missing, wrong or slow.
 */
import * as tf from '@tensorflow/tfjs';
import { kernelRegistry } from '../tfjs_internals';
import { backendOf } from './backends';
import type { KernelDefinition } from './kernel';
import { installOverride } from './override';

type Composed = Omit<tf.KernelConfig, 'backendName'>;

/** The composed forms as kernels: the engine passes whole tensors, and takes tensors back. */
export function composedOf(definitions: readonly KernelDefinition[]): Composed[] {
  return definitions.flatMap(({ name, composed }) => {
    if (!composed) return [];
    const kernelFunc = ({ inputs, attrs }: { inputs: unknown; attrs?: unknown }) =>
      tf.tidy(() => composed(inputs as Record<string, tf.Tensor>, attrs as never));
    return [{ kernelName: name, kernelFunc: kernelFunc as tf.KernelFunc }];
  });
}

/** What a backend had after it was looked through: its kernels by tfjs's keys, and the number of all kernels. */
interface Installed {
  kernels: [key: unknown, kernel: tf.KernelConfig][];
  size: number;
}

const installed = new WeakMap<tf.KernelBackend, Installed>();

/** Installs once per backend, and again if its kernels have changed; cheap enough to call before every operation. */
export function install(composed: readonly Composed[]): void {
  const started = tf.backend(); // Starts the default backend, or reports which one to await.
  const registry = kernelRegistry();
  const last = installed.get(started);
  if (
    last?.size === registry.size &&
    last.kernels.every(([key, kernel]) => registry.get(key) === kernel)
  ) {
    return;
  }
  const names = installOn(started, composed);
  const ours = ([, { kernelName, backendName }]: [unknown, tf.KernelConfig]) =>
    backendName === tf.getBackend() && names.has(kernelName);
  installed.set(started, { kernels: [...registry].filter(ours), size: registry.size });
}

/** Returns the names of what it has looked for. */
function installOn(started: tf.KernelBackend, composed: readonly Composed[]): Set<string> {
  const backendName = tf.getBackend();
  const backend = backendOf(backendName);
  const overrides = backend?.overrides() ?? [];
  overrides.forEach(installOverride);
  const names = new Set([...overrides, ...composed].map(({ kernelName }) => kernelName));
  if (composed.every(({ kernelName }) => tf.getKernel(kernelName, backendName))) return names;
  backend?.onInstall?.(started);
  const kernels = [
    ...(backend?.kernels() ?? []),
    ...composed.map((kernel) => ({ ...kernel, backendName })),
  ];
  for (const kernel of kernels) {
    if (!tf.getKernel(kernel.kernelName, backendName)) tf.registerKernel(kernel);
  }
  return names;
}
