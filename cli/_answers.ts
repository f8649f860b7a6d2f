/** A network's answers to samples: all at once, after each time step, or only until it is sure. */
import * as tf from '@tensorflow/tfjs';
import { logitsPerStep } from '../models/logits_per_step';
import { stepByStep } from '../models/rebuild';
import { probabilities } from '../training/evaluation';
import { predictionsOf } from './_predictions';

/** Of all classes, 0 to 1. */
export type Shares = Float32Array;

export interface Answer {
  shares: Shares;
  /** After each time step, of the mean of the logits so far. */
  perStep?: Shares[];
  /** Time steps that were computed, if fewer might do. */
  steps?: number;
}

export async function answersOf(
  model: tf.LayersModel,
  x: tf.Tensor,
  perStep: boolean,
): Promise<Answer[]> {
  if (!perStep) return (await predictionsOf(model, x)).map(({ shares }) => ({ shares }));
  const logits = logitsPerStep(model, x);
  const [samples, time, classes] = logits.shape;
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return Array.from({ length: samples }, (_, i) => {
    const sum = new Float32Array(classes);
    const steps = Array.from({ length: time }, (_, t) => {
      const from = (i * time + t) * classes;
      return sharesAfter(sum, values.subarray(from, from + classes), t + 1);
    });
    return { shares: steps.at(-1)!, perStep: steps };
  });
}

/** Adds the logits of a step to the sum of those before. */
function sharesAfter(sum: Float32Array, logits: ArrayLike<number>, steps: number): Shares {
  for (let k = 0; k < sum.length; k++) sum[k]! += logits[k]!;
  return probabilities(sum.map((value) => value / steps));
}

/** Computes one time step after the other, and stops if a class has the share `sure`. */
export class EarlyExit {
  private readonly model: tf.LayersModel;
  readonly timeSteps: number;
  private readonly hasFrames: boolean;

  /** @throws if the network has one time step, or keeps no state between calls */
  constructor(
    whole: tf.LayersModel,
    private readonly sure: number,
  ) {
    this.timeSteps = timeStepsOf(whole);
    this.hasFrames = whole.inputs[0]!.shape.length === 5;
    this.model = stepByStep(whole);
  }

  /** Of one sample, `[1, ...]`. */
  async answer(x: tf.Tensor): Promise<Answer> {
    this.model.resetStates();
    const perStep: Shares[] = [];
    let sum: Float32Array | undefined;
    for (let t = 0; t < this.timeSteps; t++) {
      const logits = tf.tidy(() => {
        const frame = this.hasFrames ? x.slice([0, t], [1, 1]) : x;
        return this.model.apply(frame, { training: false }) as tf.Tensor;
      });
      const values = await logits.data();
      logits.dispose();
      sum ??= new Float32Array(values.length);
      const shares = sharesAfter(sum, values, t + 1);
      perStep.push(shares);
      if (Math.max(...shares) >= this.sure) break;
    }
    return { shares: perStep.at(-1)!, perStep, steps: perStep.length };
  }

  dispose(): void {
    this.model.resetStates();
    this.model.dispose();
  }
}

/** Frames of its input, or how often it is shown an image. */
function timeStepsOf(model: tf.LayersModel): number {
  const [, frames, ...rest] = model.inputs[0]!.shape;
  if (rest.length === 3) return frames!;
  const configs = model.layers.map((layer) => layer.getConfig().timeSteps);
  const steps = configs.find((value) => typeof value === 'number');
  if (typeof steps === 'number') return steps;
  throw new Error(`${model.name} must have time steps for an early exit, but has none`);
}
