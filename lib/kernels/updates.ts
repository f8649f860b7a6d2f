/** AdamWStep, Blend and RunningStatistics: what a training step does to variables. */
import * as tf from '@tensorflow/tfjs';
import { type KernelDefinition, present, runKernel } from './kernel';

/**
 * One step of AdamW (training/adamw.ts). With a variable's gradient g: m' = beta1 m + (1 - beta1) g; v' = beta2 v + (1 -
 * beta2) g^2; p' = kept p - rate m' / (sqrt(v') / root + epsilon). Inputs: p of every variable, then g, m and v of every
 * variable; those of one variable have one shape. Outputs: p' of every variable, then m' and v'.
 */
export const AdamWStep = 'AdamWStep';

/** The numbers of one variable's step. */
export interface AdamWFactors {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** The share of p that weight decay leaves. */
  kept: number;
  /** The learning rate divided by the first moment's bias correction. */
  rate: number;
  /** The square root of the second moment's bias correction. */
  root: number;
}

export interface AdamWAttrs {
  /** One per variable. */
  factors: AdamWFactors[];
}

/**
 * old kept + now taken, for moving averages. Inputs: old of every variable, then now of every variable; those of one
 * variable have one shape. Outputs: one per variable. It has no gradient.
 */
export const Blend = 'Blend';

export interface BlendAttrs {
  kept: number;
  taken: number;
}

/**
 * A batch norm's moving averages after one batch: mean' = kept mean + taken (batchMean + bias); variance' = kept
 * variance + takenVariance batchVariance. Inputs: mean, variance, batchMean, batchVariance and, optionally, bias, all of
 * one shape. Outputs: mean', variance'. It has no gradient.
 */
export const RunningStatistics = 'RunningStatistics';

export interface RunningStatisticsInputs {
  mean: tf.Tensor;
  variance: tf.Tensor;
  batchMean: tf.Tensor;
  batchVariance: tf.Tensor;
  bias?: tf.Tensor;
}

export interface RunningStatisticsAttrs {
  kept: number;
  taken: number;
  takenVariance: number;
}

/** The composed form of AdamWStep, for one variable. */
export function adamWStep(
  p: tf.Tensor,
  g: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  { beta1, beta2, epsilon, kept, rate, root }: AdamWFactors,
): [p: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  return tf.tidy(() => {
    const first = m.mul(beta1).add(g.mul(1 - beta1));
    const second = v.mul(beta2).add(g.square().mul(1 - beta2));
    const change = first.mul(rate).div(second.sqrt().div(root).add(epsilon));
    return [(kept === 1 ? p : p.mul(kept)).sub(change), first, second];
  });
}

/** A list as so many lists of one length. */
function divided(list: tf.Tensor[], parts: number): tf.Tensor[][] {
  const length = list.length / parts;
  return Array.from({ length: parts }, (_, i) => list.slice(i * length, (i + 1) * length));
}

/** The composed form of Blend, for one variable. */
export function blend(old: tf.Tensor, now: tf.Tensor, { kept, taken }: BlendAttrs): tf.Tensor {
  return old.mul(kept).add(now.mul(taken));
}

/** The composed form of RunningStatistics. */
export function runningStatistics(
  { mean, variance, batchMean, batchVariance, bias }: RunningStatisticsInputs,
  { kept, taken, takenVariance }: RunningStatisticsAttrs,
): [mean: tf.Tensor, variance: tf.Tensor] {
  const now = bias ? batchMean.add(bias) : batchMean;
  return [
    blend(mean, now, { kept, taken }),
    blend(variance, batchVariance, { kept, taken: takenVariance }),
  ];
}

export const updateDefinitions: KernelDefinition[] = [
  {
    name: AdamWStep,
    composed: (inputs, { factors }: AdamWAttrs) => {
      const [p, g, m, v] = divided(Object.values(inputs), 4);
      const steps = factors.map((each, i) => adamWStep(p![i]!, g![i]!, m![i]!, v![i]!, each));
      return [0, 1, 2].flatMap((output) => steps.map((step) => step[output]!));
    },
  },
  {
    name: Blend,
    composed: (inputs, attrs: BlendAttrs) => {
      const [old, now] = divided(Object.values(inputs), 2);
      return old!.map((each, i) => blend(each, now![i]!, attrs));
    },
  },
  {
    name: RunningStatistics,
    composed: (inputs, attrs: RunningStatisticsAttrs) =>
      runningStatistics(inputs as unknown as RunningStatisticsInputs, attrs),
  },
];

/** What every variable brings to a step, as lists in one order. */
export type AdamWLists = Record<'p' | 'g' | 'm' | 'v', tf.Tensor[]>;

/** Inputs of any number: the engine takes them by name, here their places. */
const byPlace = (inputs: tf.Tensor[]): tf.NamedTensorMap => Object.fromEntries(inputs.entries());

/** The inputs of AdamWStep. */
export const adamWInputs = ({ p, g, m, v }: AdamWLists) => byPlace([...p, ...g, ...m, ...v]);

/** The inputs of Blend. */
export const blendInputs = (old: tf.Tensor[], now: tf.Tensor[]) => byPlace([...old, ...now]);

export function runAdamWStep(
  variables: AdamWLists,
  factors: AdamWFactors[],
): Record<'p' | 'm' | 'v', tf.Tensor[]> {
  const stepped = runKernel<tf.Tensor[]>(AdamWStep, adamWInputs(variables), { factors });
  const [newP, newM, newV] = divided(stepped, 3) as [tf.Tensor[], tf.Tensor[], tf.Tensor[]];
  return { p: newP, m: newM, v: newV };
}

export function runBlend(old: tf.Tensor[], now: tf.Tensor[], attrs: BlendAttrs): tf.Tensor[] {
  return runKernel(Blend, blendInputs(old, now), attrs);
}

export function runRunningStatistics(
  inputs: RunningStatisticsInputs,
  attrs: RunningStatisticsAttrs,
): [mean: tf.Tensor, variance: tf.Tensor] {
  return runKernel(RunningStatistics, present({ ...inputs }), attrs);
}
