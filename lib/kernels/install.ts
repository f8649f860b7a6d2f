/**
 * Gives the current backend every kernel it needs: its own of ours if we have them, the composed form if
 * not, and in place of tfjs's those that it lacks, has wrong, or has slow.
 */
import * as tf from '@tensorflow/tfjs';
import { backendOf } from './backends';
import type { KernelDefinition } from './kernel';
import { installOverride } from './override';

type Composed = Omit<tf.KernelConfig, 'backendName'>;

/** The composed forms as kernels: the engine hands them whole tensors, and takes tensors back. */
export function composedOf(definitions: readonly KernelDefinition[]): Composed[] {
  return definitions.flatMap(({ name, composed }) => {
    if (!composed) return [];
    const kernelFunc = ({ inputs, attrs }: { inputs: unknown; attrs?: unknown }) =>
      tf.tidy(() => composed(inputs as Record<string, tf.Tensor>, attrs as never));
    return [{ kernelName: name, kernelFunc: kernelFunc as tf.KernelFunc }];
  });
}

/** Installs once per backend; cheap to call before every operation. */
export function install(composed: readonly Composed[]): void {
  const started = tf.backend(); // Starts the default backend, or reports which one must be awaited.
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
