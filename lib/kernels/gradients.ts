/** The gradients of this library's kernels, themselves kernels, registered with tfjs. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from './install';
import { present, runKernel } from './run';
import {
  BatchNormTraining,
  BatchNormTrainingGrad,
  FirstMaxPool,
  FirstMaxPoolGrad,
  MultiStepLIF,
  MultiStepLIFGrad,
} from './spec';

/** What a gradient function returns: a thunk for each input. */
function thunks(gradients: Record<string, tf.Tensor>): ReturnType<tf.GradFunc> {
  return Object.fromEntries(Object.entries(gradients).map(([name, dx]) => [name, () => dx]));
}

const multiStepLIFGradient: tf.GradConfig = {
  kernelName: MultiStepLIF,
  saveAllInputs: true,
  gradFunc: (dy, saved, attrs) => {
    const [dSpikes, dV] = dy as tf.Tensor[];
    const names = attrs.inputNames as unknown as string[];
    const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i]!]));
    const gradients = runKernel<tf.Tensor[]>(
      MultiStepLIFGrad,
      present({ ...inputs, dSpikes, dV }),
      attrs,
    );
    return thunks(Object.fromEntries(names.map((name, i) => [name, gradients[i]!])));
  },
};

const batchNormGradient: tf.GradConfig = {
  kernelName: BatchNormTraining,
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, gamma, mean, variance], attrs) => {
    const [dy] = dys as tf.Tensor[];
    const [dx, dgamma, dbeta] = runKernel<tf.Tensor[]>(
      BatchNormTrainingGrad,
      present({ dy, x, gamma, mean, variance }),
      attrs,
    );
    return thunks({ x: dx!, gamma: dgamma!, beta: dbeta! });
  },
};

const firstMaxPoolGradient: tf.GradConfig = {
  kernelName: FirstMaxPool,
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) =>
    thunks({
      x: runKernel<tf.Tensor>(FirstMaxPoolGrad, present({ dy: dy as tf.Tensor, x }), attrs),
    }),
};

/** Marks a gradient function as already passing through `installFirst`. */
const installs = Symbol.for('tfjs-spikingformer.installsKernels');
type Marked = tf.GradFunc & { [installs]?: true };

/**
 * Stock operations whose gradient kernels the wasm backend lacks or has wrong: whoever differentiates
 * one gets ours, also in a model without a layer of ours, and whichever package was imported first.
 */
function installFirst(kernelName: string): void {
  const stock = tf.getGradient(kernelName);
  if (!stock || (stock.gradFunc as Marked)[installs]) return;
  const gradFunc: Marked = (dy, saved, attrs) => {
    installKernels();
    return stock.gradFunc(dy, saved, attrs);
  };
  gradFunc[installs] = true;
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...stock, gradFunc });
}

/** Idempotent, also across copies of this library. */
export function registerGradients(): void {
  for (const gradient of [multiStepLIFGradient, batchNormGradient, firstMaxPoolGradient]) {
    if (!tf.getGradient(gradient.kernelName)) tf.registerGradient(gradient);
  }
  for (const kernelName of ['Conv2D', 'MaxPool', 'BatchMatMul']) installFirst(kernelName);
}
