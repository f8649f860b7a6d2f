/** What gpu_dispatches.ts counts, in a page: neurons and a training step, with our kernels or the composed ones. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import * as spiking from 'tfjs-spikingformer';
import { composedKernels } from '../lib/kernels';
import { countWork, type Work } from './_dispatches';

/** A row of the table. */
export interface Counted extends Work {
  what: string;
}

/** Uploaded, so that a program's inputs are where it runs. */
function onGPU(x: tf.Tensor): tf.Tensor {
  const y = tf.tidy(() => x.add(0).mul(1));
  x.dispose();
  return y;
}

function neurons(time: number): Counted[] {
  const x = onGPU(tf.randomUniform([4, time, 16, 16, 32], 0, 2));
  const g = onGPU(tf.randomNormal(x.shape));
  const forward = countWork(() => spiking.multiStepLIF(x));
  const both = countWork(() => tf.grad((y) => spiking.multiStepLIF(y))(x, g));
  tf.dispose([x, g]);
  return [
    { what: `LIF [4,${time},16,16,32], forward`, ...forward },
    {
      what: `LIF [4,${time},16,16,32], gradient`,
      dispatches: both.dispatches - forward.dispatches,
      bytes: both.bytes - forward.bytes,
      peak: both.peak,
    },
  ];
}

function trainingStep(time: number): Counted {
  const model = spiking.models.spikingformer({
    inputShape: [32, 32, 3],
    numClasses: 10,
    embedDim: 64,
    depth: 1,
    numHeads: 4,
    timeSteps: time,
  });
  const x = onGPU(tf.randomUniform([2, 32, 32, 3]));
  const labels = tf.oneHot(tf.tensor1d([1, 7], 'int32'), 10);
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const step = () => {
    optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor),
      false,
      variables,
    );
  };
  tf.tidy(step); // makes the optimizer's slots
  const work = countWork(step);
  model.dispose();
  optimizer.dispose();
  tf.dispose([x, labels]);
  return { what: `training step, Spikingformer-1-64, 32x32, T ${time}, batch 2`, ...work };
}

/** Counts on one backend. */
export async function count(backend: string, composed: boolean): Promise<Counted[]> {
  await tf.setBackend(backend);
  await tf.ready();
  if (composed) {
    for (const kernel of composedKernels) tf.registerKernel({ ...kernel, backendName: backend });
  }
  return [...neurons(4), ...neurons(16), trainingStep(2), trainingStep(4)];
}

Object.assign(globalThis, { count });
