/**
 * What the contenders of `bench/speed.ts` compute: a model, a part of one, or a neuron layer, from
 * inputs and weights in files, so that PyTorch (bench/pytorch/worker.py) computes the same.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { adamW } from '../training/adamw';
import { seededWeights } from '../training/seeded_weights';
import { settle } from './_settle';

export type Metric = 'train_ms' | 'eval_ms' | 'forward_ms' | 'gradient_ms';

export interface TaskSpec {
  kind: 'model' | 'tokenizer' | 'block' | 'lif';
  /** The network, or the one that the part is of. */
  preset: string;
  timeSteps: number;
  /** Pixels to a side of an image. */
  size: number;
  /** safetensors: x, and what the kind needs of y (classes) and g (the output's gradient). */
  inputs: string;
  /** safetensors: the network's state_dict under the authors' names. */
  weights: string;
}

/** By sample, a few numbers of the output and of what training makes of it. */
export interface Check {
  forward: number[][];
  backward?: number[][];
}

export interface Task {
  parameters: number;
  /** Does it once; what it returns is freed. */
  run(metric: Metric): void;
  /** `training`: what training makes of it too. */
  check(training: boolean): Check;
}

/** Training as the bench and its peers do it: forward, cross entropy, backward, AdamW; a step gives the loss. */
export function training(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor) {
  const optimizer = adamW({ learningRate: 5e-4, weightDecay: 0.06 });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const loss = () =>
    tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor).asScalar();
  return {
    step: () => tf.tidy(() => optimizer.minimize(loss, true, variables)!.dataSync()[0]!),
    dispose: () => optimizer.dispose(),
  };
}

/** What the contenders get, by name. */
export function inputsOf({ inputs }: TaskSpec): Record<string, tf.Tensor> {
  const entries = Object.entries(spiking.interop.readSafetensors(readFileSync(inputs)));
  return Object.fromEntries(
    entries.map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, shape)]),
  );
}

export const createModel = ({ preset, timeSteps, size }: Omit<TaskSpec, 'inputs' | 'weights'>) =>
  spiking.models.create(preset, { timeSteps, inputShape: [size, size, 3] });

/** The network with the weights that all contenders get. */
export function modelOf(spec: TaskSpec): tf.LayersModel {
  const model = createModel(spec);
  const stateDict = spiking.interop.readSafetensors(readFileSync(spec.weights));
  spiking.interop.loadTorchStateDict(model, stateDict);
  return model;
}

/** Writes a state_dict as training leaves it: statistics of random images, so that neurons fire. */
export function writeWeights(spec: Omit<TaskSpec, 'inputs'>, passes = 30): void {
  const model = seededWeights(0, () => createModel(spec));
  const images = (pass: number) =>
    tf.randomUniform([4, spec.size, spec.size, 3], -2, 2, 'float32', pass);
  settle(model, images, passes);
  const stateDict = spiking.interop.toTorchStateDict(model);
  writeFileSync(spec.weights, spiking.interop.writeSafetensors(stateDict));
  model.dispose();
}

/** The mean size at each time step of each sample: `[batch, time, ...]` -> `[batch][time]`. */
function perSample(x: tf.Tensor): number[][] {
  const [batch, time] = x.shape as [number, number];
  return x.abs().reshape([batch, time, -1]).mean(-1).arraySync() as number[][];
}

/** What maps the inputs to an output that is no network's logits, with its variables. */
function partOf(spec: TaskSpec) {
  if (spec.kind === 'lif') {
    return { call: (x: tf.Tensor) => spiking.multiStepLIF(x), variables: [] as tf.Variable[] };
  }
  const model = modelOf(spec);
  const className = spec.kind === 'block' ? 'SpikingformerBlock' : 'SpikingTokenizer';
  const layer = model.layers.find((each) => each.getClassName() === className)!;
  return {
    call: (x: tf.Tensor, training: boolean) => layer.apply(x, { training }) as tf.Tensor,
    variables: layer.trainableWeights.map((weight) => weight.read() as tf.Variable),
  };
}

function partTask(spec: TaskSpec): Task {
  const { x, g } = inputsOf(spec) as { x: tf.Tensor; g: tf.Tensor };
  const { call, variables } = partOf(spec);
  // An image needs no gradient; a part amid a network gives one to what lies before it.
  const input = spec.kind === 'tokenizer' ? [] : [tf.variable(x)];
  const forward = () => call(input[0] ?? x, false);
  const gradients = tf.grads(() => call(input[0] ?? x, true));
  const gradient = () => gradients([...input, ...variables], g);
  return {
    parameters: variables.reduce((sum, { size }) => sum + size, 0),
    run: (metric) => tf.tidy(() => void (metric === 'forward_ms' ? forward() : gradient())),
    check: (training) =>
      tf.tidy(() => ({
        forward: perSample(forward()),
        ...(training && input[0] && { backward: perSample(gradient()[0]!) }),
      })),
  };
}

function modelTask(spec: TaskSpec): Task {
  const model = modelOf(spec);
  const { x, y } = inputsOf(spec) as { x: tf.Tensor; y: tf.Tensor1D };
  const { numClasses } = spiking.models.presetConfig(spec.preset);
  const { step } = training(model, x, tf.oneHot(y.toInt(), numClasses));
  const logits = () => model.apply(x) as tf.Tensor2D;
  return {
    parameters: model.trainableWeights.reduce((sum, { shape }) => {
      return sum + tf.util.sizeFromShape(shape as number[]);
    }, 0),
    run: (metric) =>
      metric === 'train_ms' ? void step() : tf.tidy(() => void logits().dataSync()),
    check: (trains) => ({
      forward: tf.tidy(() => logits().arraySync()),
      ...(trains && { backward: [[step(), step()]] }),
    }),
  };
}

export function createTask(spec: TaskSpec): Task {
  return spec.kind === 'model' ? modelTask(spec) : partTask(spec);
}
