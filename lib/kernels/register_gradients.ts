/** Registers the gradients of this library's kernels with tfjs, and mends what tfjs's own do with them. */
import * as tf from '@tensorflow/tfjs';
import { definitions, installKernels } from './index';
import { type GradientKernel, type KernelDefinition, noSecondOrder, runKernel } from './kernel';
import { releaseGradients } from './release_gradients';
import { wrapGradient } from './wrap_gradient';

function byKernel({ kernel, inputs, outputs = [], of }: GradientKernel) {
  const names = ['dy', ...inputs, ...outputs.filter((name) => name)];
  const gradFunc: tf.GradFunc = (dy, saved, attrs) => {
    const tensors = [[dy].flat()[0]!, ...saved];
    const given = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    const gradients = [runKernel(kernel, given, attrs)].flat();
    return Object.fromEntries(of.map((name, i) => [name, () => gradients[i]!]));
  };
  return { inputsToSave: inputs, outputsToSave: outputs.map((name) => name !== ''), gradFunc };
}

function gradientOf({ name, gradient, once }: KernelDefinition): tf.GradConfig[] {
  if (once) return [{ kernelName: name, gradFunc: noSecondOrder(once) }];
  if (!gradient) return [];
  return [{ kernelName: name, ...('kernel' in gradient ? byKernel(gradient) : gradient) }];
}

/**
 * A gradient whose kernels the backend may lack or have wrong gets ours first: those of our own kernels, and those
 * of stock operations also in a model without a layer of ours, whichever package was imported first.
 */
function installFirst(kernelName: string): void {
  wrapGradient(kernelName, 'installsKernels', (inner) => (dy, saved, attrs) => {
    installKernels();
    return inner(dy, saved, attrs);
  });
}

/** Stock operations whose gradient kernels the wasm backend lacks or has wrong. */
const mended = ['Conv2D', 'MaxPool', 'BatchMatMul'];

/** Stock operations that our layers, and others between them, are made of. */
const released = [
  ...['Conv2D', 'BatchMatMul', 'Add', 'Multiply', 'Reshape', 'ExpandDims'],
  ...['Transpose', 'Concat', 'Identity', 'Sum', 'MaxPool', 'Relu'],
];

/** Idempotent, also across copies of this library. */
export function registerGradients(): void {
  for (const gradient of definitions.flatMap(gradientOf)) {
    if (!tf.getGradient(gradient.kernelName)) tf.registerGradient(gradient);
  }
  const ours = definitions.filter(({ gradient }) => gradient).map(({ name }) => name);
  for (const kernelName of [...ours, ...mended]) installFirst(kernelName);
  for (const kernelName of [...ours, ...released]) releaseGradients(kernelName);
}
