/** Names a backend's missing kernels before the first step, not in the middle of it. */
import * as tf from '@tensorflow/tfjs';
import type { NeuronLayer } from '../layers/neuron_layer';
import { installKernels } from '../lib/kernels';
import { engine } from '../lib/tfjs_internals';
import { keepingStatistics } from './statistics';
import { walkLayers } from './walk';

/** Options of `checkBackend`. */
export interface CheckBackendOptions {
  /** Whether gradients are needed too. Default false. */
  training?: boolean;
}

/** What `checkBackend` found. */
export interface BackendReport {
  backend: string;
  /**
   * tfjs kernels that the model needs and the backend lacks. If cpu, which stands in for others, lacks one too, the
   * list ends with it.
   */
  missing: string[];
}

/**
 * Runs the model, and with `training` its gradient, once on zeros (a batch of two; for text, two ids), and reports
 * which kernels the current backend lacks. The model is left unchanged.
 *
 * ```ts
 * const { missing } = spiking.checkBackend(model, { training: true });
 * ```
 */
export function checkBackend(
  model: tf.LayersModel,
  { training = false }: CheckBackendOptions = {},
): BackendReport {
  installKernels();
  const backend = tf.getBackend();
  const lent: string[] = [];
  const attempt = () =>
    keepingStatistics(model, () => keepingStates(model, () => run(model, training)));
  try {
    while (true) {
      const kernel = firstMissingKernel(attempt);
      if (!kernel || lent.includes(kernel)) return { backend, missing: lent };
      if (!tf.getKernel(kernel, 'cpu')) return { backend, missing: [...lent, kernel] };
      lendCpuKernel(kernel, backend);
      lent.push(kernel);
    }
  } finally {
    for (const kernel of lent) tf.unregisterKernel(kernel, backend);
  }
}

/** Zeros; for ids, alternating zeros and ones, since a sentence of nothing but padding is rejected. */
function sampleOf({ shape, dtype }: tf.SymbolicTensor): tf.Tensor {
  const sizes = [2, ...shape.slice(1).map((n) => n ?? 1)];
  if (dtype !== 'int32') return tf.zeros(sizes);
  const ids = Int32Array.from({ length: tf.util.sizeFromShape(sizes) }, (_, i) => i % 2);
  return tf.tensor(ids, sizes, 'int32');
}

/** One call, or one gradient, on that sample. */
function run(model: tf.LayersModel, training: boolean): void {
  tf.tidy(() => {
    const inputs = model.inputs.map(sampleOf);
    const loss = () => {
      const outputs = [model.apply(inputs, { training })].flat() as tf.Tensor[];
      return tf.addN(outputs.map((y) => y.sum())).asScalar();
    };
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (training) tf.variableGrads(loss, variables);
    else loss();
  });
}

/** Runs `run` with stateful neurons at rest, then restores their membranes. */
function keepingStates<T>(model: tf.LayersModel, run: () => T): T {
  const neurons: NeuronLayer[] = [];
  walkLayers(model, (layer) => {
    if ('exchangeState' in layer) neurons.push(layer as NeuronLayer);
  });
  const held = neurons.map((layer) => layer.exchangeState(null));
  try {
    return run();
  } finally {
    neurons.forEach((layer, i) => {
      layer.exchangeState(held[i]!)?.dispose();
    });
  }
}

/** The kernel whose absence makes `run` fail, if any. */
function firstMissingKernel(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    const kernel = /Kernel '([^']+)' not registered/.exec(String(error))?.[1];
    if (!kernel) throw error;
    return kernel;
  } finally {
    freeTape();
  }
}

/** When a gradient fails midway, disposes of what its forward pass has saved on tfjs's tape. */
function freeTape(): void {
  const { state } = engine();
  if (state.gradientDepth > 0) return;
  for (const { saved } of state.activeTape ?? []) tf.dispose(saved ?? []);
  state.activeTape = null;
}

/** Lets the cpu backend stand in for one kernel, so that the run reaches the next missing one. */
function lendCpuKernel(kernelName: string, backendName: string): void {
  const cpu = tf.findBackend('cpu');
  const { kernelFunc: compute } = tf.getKernel(kernelName, 'cpu');
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) => {
    const here = tf.backend();
    const move = (
      from: tf.KernelBackend,
      to: tf.KernelBackend,
      { dataId, shape, dtype }: tf.TensorInfo,
    ) => ({
      dataId: to.write(from.readSync(dataId), shape, dtype),
      shape,
      dtype,
    });
    const lent = Object.fromEntries(
      Object.entries(inputs).map(([name, x]) => [name, x && move(here, cpu, x)]),
    ) as tf.NamedTensorInfoMap;
    const outputs = [compute({ inputs: lent, attrs, backend: cpu })].flat();
    const results = outputs.map((y) => move(cpu, here, y));
    for (const { dataId } of [...Object.values(lent).filter((x) => x !== undefined), ...outputs]) {
      cpu.disposeData(dataId);
    }
    return results.length === 1 ? results[0]! : results;
  };
  tf.registerKernel({ kernelName, backendName, kernelFunc });
}
