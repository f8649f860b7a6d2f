/** Ten training steps of a small network, whose losses PyTorch has computed too; ours are held to them by a test. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { type Precision, variableGradsIn } from '../lib/gradient_precision';
import { adamW } from '../training/adamw';
import { smoothTargets, softTargetCrossEntropy } from '../training/losses';

const fixture = (name: string) => readFileSync(`__tests__/fixtures/${name}`);
const tensors = (name: string) =>
  spiking.interop.readSafetensors(fixture(`models/cml_spikingformer_cifar.${name}.safetensors`));

interface TenSteps {
  learning_rate: number;
  weight_decay: number;
  /** By threads, oneDNN and order of samples. */
  losses: Record<string, number[]>;
}

export const tenSteps = (): TenSteps => JSON.parse(fixture('recipe/ten_steps.json').toString());

/** By step: how far apart PyTorch's own runs are, relative to the first of them. */
export function spreadOfPyTorch(): number[] {
  const [first, ...others] = Object.values(tenSteps().losses) as [number[], ...number[][]];
  return first.map((loss, step) => {
    const all = [loss, ...others.map((run) => run[step]!)];
    return (Math.max(...all) - Math.min(...all)) / loss;
  });
}

/** The losses on the images, which each step rolls by one more column. */
export function lossesOfTenSteps(precision: Precision): number[] {
  const { learning_rate: learningRate, weight_decay: weightDecay } = tenSteps();
  const model = spiking.models.spikingformer({
    inputShape: [32, 32, 3],
    numClasses: 10,
    embedDim: 32,
    depth: 1,
    numHeads: 4,
    timeSteps: 2,
  });
  spiking.interop.loadTorchStateDict(model, tensors('state'));
  const optimizer = adamW({ learningRate, weightDecay, decayAll: true });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { x, target } = tensors('io');
  const labels = Array.from(target!.data, Number);
  const losses = Array.from({ length: 10 }, (_, step) =>
    tf.tidy(() => {
      const images = tf
        .tensor4d(x!.data as Float32Array, x!.shape as [number, number, number, number])
        .transpose([0, 2, 3, 1]);
      const rolled = tf.concat([images, images], 2).slice([0, 0, 32 - step, 0], [-1, -1, 32, -1]);
      const targets = tf.tensor2d(smoothTargets(labels, 10), [labels.length, 10]);
      const loss = () =>
        softTargetCrossEntropy(targets, model.apply(rolled, { training: true }) as tf.Tensor2D);
      const { value, grads } = variableGradsIn(precision, () => loss().asScalar(), variables);
      optimizer.applyGradients(grads);
      return value.dataSync()[0]!;
    }),
  );
  optimizer.dispose();
  model.dispose();
  return losses;
}
