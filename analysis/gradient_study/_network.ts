/**
 * The network of the gradient study: stages of convolution, batch norm, neuron and max pool in either order, and a
 * linear head on firing rates, all as functions of their weights.
 */
import * as tf from '@tensorflow/tfjs';
import { batchNormTraining } from '../../lib/batch_norm';
import { foldTime, repeatOverTime, unfoldTime } from '../../lib/fold_time';
import { runKernel } from '../../lib/kernels';
import { FirstMaxPoolGrad } from '../../lib/kernels/max_pool';
import { maxPool2d, resolveMaxPool } from '../../lib/max_pool';
import { multiStepLIF } from '../../lib/neuron';
import { neuronTrace } from '../../lib/neuron_trace';
import { Random } from '../../lib/random';

/**
 * 'conv-bn-pool-lif': CML. 'conv-bn-lif-pool': the earlier order. 'rerouted': the earlier order, but the pool gives its
 * gradient to the neuron with the highest membrane, which isolates the effect of routing.
 */
export const studyVariants = ['conv-bn-pool-lif', 'conv-bn-lif-pool', 'rerouted'] as const;
export type StudyVariant = (typeof studyVariants)[number];

/** The papers' neurons: tau 2, threshold 1, hard reset, sigmoid with alpha 4. */
const alpha = 4;
const pool = resolveMaxPool({ poolSize: 3, strides: 2 });

export interface StudyNetwork {
  /** One 3x3 kernel per stage. */
  kernels: tf.Tensor4D[];
  head: tf.Tensor2D;
  images: tf.Tensor4D;
  labels: tf.Tensor2D;
  timeSteps: number;
}

export interface StudySize {
  depth: number;
  filters: number;
  batch: number;
  imageSize: number;
  timeSteps: number;
  seed: number;
}

const classes = 10;

/** PyTorch's initial kernels, images of blurred noise, random labels, all drawn from the seed. */
export function makeNetwork(size: StudySize): StudyNetwork {
  const { depth, filters, batch, imageSize, timeSteps, seed } = size;
  const normal = (shape: number[], ...path: string[]) => {
    const random = new Random(seed, ...path);
    return tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
      shape,
    );
  };
  const made = tf.tidy(() => {
    const kernels = Array.from({ length: depth }, (_, stage) => {
      const inputs = stage === 0 ? 3 : filters;
      const kernel = normal([3, 3, inputs, filters], 'kernel', `${stage}`);
      return kernel.div(Math.sqrt(27 * inputs)) as tf.Tensor4D;
    });
    const noise = normal([batch, imageSize, imageSize, 3], 'images') as tf.Tensor4D;
    const draw = new Random(seed, 'labels');
    const classOf = Array.from({ length: batch }, () => draw.integer(classes));
    return {
      kernels,
      head: normal([filters, classes], 'head').mul(2) as tf.Tensor2D,
      images: tf.avgPool(noise, 3, 1, 'same').mul(3) as tf.Tensor4D,
      labels: tf.oneHot(tf.tensor1d(classOf, 'int32'), classes).toFloat() as tf.Tensor2D,
    };
  });
  return { ...made, timeSteps };
}

const pooled = (x: tf.Tensor): tf.Tensor =>
  unfoldTime(maxPool2d(foldTime(x) as tf.Tensor4D, pool), x.shape[1]!);

/** A pool of spikes whose gradient goes to the highest of `membranes` instead of the first spike. */
function reroutedPool(spikes: tf.Tensor, membranes: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((s, save) => {
    (save as tf.GradSaveFunc)([membranes]);
    return {
      value: pooled(s as tf.Tensor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        runKernel<tf.Tensor>(
          FirstMaxPoolGrad,
          { dy: foldTime(dy), x: foldTime(saved[0]!) },
          pool,
        ).reshape(spikes.shape),
    };
  });
  return op(spikes);
}

/** The neuron whose exact derivative is the surrogate: it fires by sigmoid(alpha (h - 1)), and resets by as much. */
function relaxedLIF(x: tf.Tensor): tf.Tensor {
  let v: tf.Tensor = tf.zerosLike(x.slice([0, 0], [-1, 1]));
  const spikes = tf.split(x, x.shape[1]!, 1).map((step) => {
    const h = v.add(step.sub(v).div(2));
    const s = h.sub(1).mul(alpha).sigmoid();
    v = h.sub(h.mul(s));
    return s;
  });
  return tf.concat(spikes, 1);
}

/** What one stage reports for the study of its routing. */
export interface StageTrace {
  /** What the pool compared: batch norm outputs, or spikes. */
  pooledFrom: tf.Tensor;
  /** What it should have compared: the same outputs, or the membranes behind the spikes. */
  shouldCompare: tf.Tensor;
}

export interface Pass {
  loss: tf.Scalar;
  stages: StageTrace[];
}

export interface PassOptions {
  /** Whether neurons fire softly, so that the network is smooth and its gradient exact. Default false. */
  relaxed?: boolean;
  /** Zeros that are added to each pool's output: their gradient is the gradient that reached the pool. */
  probes?: readonly tf.Tensor[];
  /** Whether to return traces. Default false. */
  trace?: boolean;
}

/** Mean cross-entropy of the network with those kernels, in one variant. */
export function runNetwork(
  { head, images, labels, timeSteps }: StudyNetwork,
  kernels: readonly tf.Tensor4D[],
  variant: StudyVariant,
  { relaxed = false, probes, trace = false }: PassOptions = {},
): Pass {
  const fire = relaxed ? relaxedLIF : (x: tf.Tensor) => multiStepLIF(x, { alpha });
  const stages: StageTrace[] = [];
  let x: tf.Tensor = repeatOverTime(images, timeSteps);
  kernels.forEach((kernel, stage) => {
    const y = tf.conv2d(foldTime(x) as tf.Tensor4D, kernel, 1, 'same');
    const channels = kernel.shape[3];
    const { y: normalized } = batchNormTraining(y, tf.ones([channels]), tf.zeros([channels]));
    const current = unfoldTime(normalized, timeSteps);
    const probed = (z: tf.Tensor) => (probes ? z.add(probes[stage]!) : z);
    if (variant === 'conv-bn-pool-lif') {
      if (trace) stages.push({ pooledFrom: current, shouldCompare: current });
      x = fire(probed(pooled(current)));
      return;
    }
    const spikes = fire(current);
    const needsMembranes = !relaxed && (trace || variant === 'rerouted');
    const membranes = needsMembranes ? neuronTrace(current).h : spikes;
    if (trace) {
      const pooledFrom = variant === 'rerouted' ? membranes : spikes;
      stages.push({ pooledFrom, shouldCompare: membranes });
    }
    x = probed(
      variant === 'rerouted' && !relaxed ? reroutedPool(spikes, membranes) : pooled(spikes),
    );
  });
  const rates = x.mean([1, 2, 3]) as tf.Tensor2D;
  const logits = tf.matMul(rates, head);
  return { loss: tf.losses.softmaxCrossEntropy(labels, logits).asScalar(), stages };
}

/** The side of the image after that many pools. */
export function sideAfter(imageSize: number, stages: number): number {
  return stages === 0 ? imageSize : sideAfter(Math.floor((imageSize - 1) / 2) + 1, stages - 1);
}
