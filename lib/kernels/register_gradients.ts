/** Registers the gradients of this library's kernels with tfjs, and repairs tfjs's gradients that use them. */
import * as tf from '@tensorflow/tfjs';
import { definitions, installKernels } from './index';
import { keepShapesOnly } from './keep_shapes';
import {
  type GradientKernel,
  type KernelDefinition,
  noSecondOrder,
  runKernel,
  savedOutputs,
} from './kernel';
import { releaseGradients } from './release_gradients';
import { spreadByFilling } from './spread_by_filling';
import { wrapGradient } from './wrap_gradient';

function byKernel(gradient: GradientKernel) {
  const { kernel, inputs, outputs = [], of } = gradient;
  const names = ['dy', ...inputs, ...outputs.filter((name) => name)];
  const gradFunc: tf.GradFunc = (dy, saved, attrs) => {
    const tensors = [[dy].flat()[0]!, ...saved];
    const given = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    const gradients = [runKernel(kernel, given, attrs)].flat();
    return Object.fromEntries(of.map((name, i) => [name, () => gradients[i]!]));
  };
  return { inputsToSave: inputs, outputsToSave: savedOutputs(gradient), gradFunc };
}

function gradientOf({ name, gradient, once }: KernelDefinition): tf.GradConfig[] {
  if (once) return [{ kernelName: name, gradFunc: noSecondOrder(once) }];
  if (!gradient) return [];
  return [{ kernelName: name, ...('kernel' in gradient ? byKernel(gradient) : gradient) }];
}

/**
 * Installs our kernels before a gradient runs whose kernels the backend may lack or have wrong: gradients of our
 * kernels, and of stock operations even in models without our layers, in any import order.
 */
function installFirst(kernelName: string): void {
  wrapGradient(kernelName, 'installsKernels', (inner) => (dy, saved, attrs) => {
    installKernels();
    return inner(dy, saved, attrs);
  });
}

/** Stock operations whose gradient kernels are missing or wrong on wasm. */
const mended = ['Conv2D', 'MaxPool', 'BatchMatMul'];

/** Stock operations that our layers consist of, and others between them. */
const released = [
  ...['Conv2D', 'BatchMatMul', 'Add', 'Multiply', 'Reshape', 'ExpandDims'],
  ...['Transpose', 'Concat', 'Identity', 'Sum', 'MaxPool', 'Relu'],
];

/** Stock operations whose gradients need the shapes of their inputs alone. */
const shaped = ['Add', 'Sub', 'Reshape', 'ExpandDims', 'Sum', 'Mean'];

/** Safe to call twice, also from two copies of this library. */
export function registerGradients(): void {
  for (const gradient of definitions.flatMap(gradientOf)) {
    if (!tf.getGradient(gradient.kernelName)) tf.registerGradient(gradient);
  }
  const ours = definitions.filter(({ gradient }) => gradient).map(({ name }) => name);
  spreadByFilling();
  for (const kernelName of shaped) keepShapesOnly(kernelName);
  for (const kernelName of [...ours, ...mended]) installFirst(kernelName);
  for (const kernelName of [...ours, ...released]) releaseGradients(kernelName);
}
