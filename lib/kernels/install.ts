/**
 * Gives the current backend every kernel it needs: a native one if there is one, else the composed form. It also
 * replaces those of tfjs's kernels that are missing, wrong or slow.
 */
import * as tf from '@tensorflow/tfjs';
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

/** Installs once per backend; cheap enough to call before every operation. */
export function install(composed: readonly Composed[]): void {
  const started = tf.backend(); // Starts the default backend, or reports which one to await.
  const backendName = tf.getBackend();
  const backend = backendOf(backendName);
  backend?.overrides().forEach(installOverride);
  if (composed.every(({ kernelName }) => tf.getKernel(kernelName, backendName))) return;
  backend?.onInstall?.(started);
  const kernels = [
    ...(backend?.kernels() ?? []),
    ...composed.map((kernel) => ({ ...kernel, backendName })),
  ];
  for (const kernel of kernels) {
    if (!tf.getKernel(kernel.kernelName, backendName)) tf.registerKernel(kernel);
  }
}
