/** The gradients of this library's kernels, themselves kernels, registered with tfjs. */
import * as tf from '@tensorflow/tfjs';
import { multiStepLIFGrad } from './composed/multi_step_lif';
import { installKernels } from './install';
import { releaseGradients } from './release_gradients';
import { present, runKernel } from './run';
import {
  BatchNormLIF,
  BatchNormLIFGrad,
  BatchNormTraining,
  BatchNormTrainingGrad,
  FirstMaxPool,
  FirstMaxPoolGrad,
  MultiStepLIF,
  MultiStepLIFGrad,
  type NeuronAttrs,
  SpikingAttention,
  SpikingAttentionGrad,
} from './spec';

/** What a gradient function returns: a thunk for each input. */
function thunks(gradients: Record<string, tf.Tensor>): ReturnType<tf.GradFunc> {
  return Object.fromEntries(Object.entries(gradients).map(([name, dx]) => [name, () => dx]));
}

/** Of a gradient's kernel: says that a second-order gradient ends here, where tfjs would name a kernel. */
function noSecondOrder(kernelName: string, what: string, why: string): tf.GradConfig {
  const gradFunc = () => {
    throw new Error(
      `${what} has no second-order gradient: ${why}. Take the gradient of a gradient, such as a gradient ` +
        'penalty, of a part of the network without it',
    );
  };
  return { kernelName, gradFunc };
}

const ofSurrogates = 'the derivative of its spikes is a surrogate, which has none of its own';
const neuronsTwice = noSecondOrder(MultiStepLIFGrad, 'A spiking neuron', ofSurrogates);
const twice = [
  neuronsTwice,
  noSecondOrder(BatchNormLIFGrad, 'A spiking neuron', ofSurrogates),
  noSecondOrder(FirstMaxPoolGrad, 'maxPool2d', 'its gradient is a kernel that has none of its own'),
  noSecondOrder(
    BatchNormTrainingGrad,
    'batchNormTraining',
    'it was computed outside of the gradient that is differentiated',
  ),
  noSecondOrder(
    SpikingAttentionGrad,
    'multiHeadSpikingAttention',
    'it was computed outside of the gradient that is differentiated',
  ),
];

/** The engine's way to an operation of several outputs with a gradient of its own. */
interface Engine {
  runKernelFunc(operation: {
    forwardFunc: () => tf.Tensor[];
    backwardsFunc: tf.GradFunc;
    inputs: tf.NamedTensorMap;
  }): tf.Tensor[];
}

/** With a surrogate of the user's own, which no kernel knows. */
function composedGradients(
  { x, v0, w }: Record<string, tf.Tensor>,
  dSpikes: tf.Tensor,
  dV: tf.Tensor,
  attrs: tf.NamedAttrMap,
): tf.Tensor[] {
  const neuron = { ...attrs, surrogate: attrs.userSurrogate } as unknown as NeuronAttrs;
  return (tf.engine() as unknown as Engine).runKernelFunc({
    forwardFunc: () => tf.tidy(() => multiStepLIFGrad(x!, dSpikes, dV, neuron, v0, w)),
    backwardsFunc: neuronsTwice.gradFunc,
    inputs: present({ x, dSpikes, dV, v0, w }),
  });
}

const multiStepLIFGradient: tf.GradConfig = {
  kernelName: MultiStepLIF,
  saveAllInputs: true,
  gradFunc: (dy, saved, attrs) => {
    const [dSpikes, dV] = dy as tf.Tensor[];
    const names = attrs.inputNames as unknown as string[];
    const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i]!]));
    const gradients = attrs.userSurrogate
      ? composedGradients(inputs, dSpikes!, dV!, attrs)
      : runKernel<tf.Tensor[]>(MultiStepLIFGrad, present({ ...inputs, dSpikes, dV }), attrs);
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

const batchNormLIFGradient: tf.GradConfig = {
  kernelName: BatchNormLIF,
  inputsToSave: ['x', 'gamma', 'beta'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, gamma, beta, mean, variance], attrs) => {
    const [dy] = dys as tf.Tensor[];
    const [dx, dgamma, dbeta] = runKernel<tf.Tensor[]>(
      BatchNormLIFGrad,
      present({ dy, x, gamma, mean, variance, beta }),
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

const spikingAttentionGradient: tf.GradConfig = {
  kernelName: SpikingAttention,
  inputsToSave: ['q', 'k', 'v'],
  gradFunc: (dy, [q, k, v], attrs) => {
    const inputs = present({ dy: dy as tf.Tensor, q, k, v });
    const [dq, dk, dv] = runKernel<tf.Tensor[]>(SpikingAttentionGrad, inputs, attrs);
    return thunks({ q: dq!, k: dk!, v: dv! });
  },
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
  const install: tf.GradFunc = (dy, saved, attrs) => {
    installKernels();
    return stock.gradFunc(dy, saved, attrs);
  };
  const gradFunc: Marked = Object.assign(install, stock.gradFunc, { [installs]: true as const });
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...stock, gradFunc });
}

/** The operations that our layers, and others between them, are made of. */
const released = [
  ...[MultiStepLIF, BatchNormTraining, BatchNormLIF, FirstMaxPool, SpikingAttention],
  ...['Conv2D', 'BatchMatMul', 'Add', 'Multiply', 'Reshape', 'ExpandDims'],
  ...['Transpose', 'Concat', 'Identity', 'Sum', 'MaxPool', 'Relu'],
];

const gradients = [
  ...[multiStepLIFGradient, batchNormGradient, batchNormLIFGradient],
  ...[firstMaxPoolGradient, spikingAttentionGradient],
];

/** Idempotent, also across copies of this library. */
export function registerGradients(): void {
  for (const gradient of [...gradients, ...twice]) {
    if (!tf.getGradient(gradient.kernelName)) tf.registerGradient(gradient);
  }
  for (const kernelName of ['Conv2D', 'MaxPool', 'BatchMatMul']) installFirst(kernelName);
  for (const kernelName of released) releaseGradients(kernelName);
}
