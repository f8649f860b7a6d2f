/**
 * The argument for CML (arXiv 2305.05954), measured: where the gradient goes in ConvBN-LIF-MaxPool and in
 * ConvBN-MaxPool-LIF, compared with a smooth relaxation and with finite differences of the spiking network.
 */
import * as tf from '@tensorflow/tfjs';
import '../../lib'; // registers the gradients
import { Random } from '../../lib/random';
import { checkKeys, checkPositive, checkPositiveInteger, invalid } from '../../lib/validate';
import {
  makeNetwork,
  runNetwork,
  type StudyNetwork,
  type StudyVariant,
  sideAfter,
  studyVariants,
} from './_network';
import { routingOf } from './_routing';

/** Options of `gradientStudy`. */
export interface GradientStudyOptions {
  /** Number of stages, each of which halves the image. Default 4. */
  depth?: number;
  /** Channels of every stage. Default 16. */
  filters?: number;
  /** Number of images. Default 16. */
  batch?: number;
  /** Side of the images. Default 32. */
  imageSize?: number;
  /** Number of time steps. Default 4. */
  timeSteps?: number;
  /** Random directions per stage for the finite differences. Default 64; 0 skips them. */
  directions?: number;
  /** Length of a finite difference, relative to that of the kernel. Default 0.1. */
  step?: number;
  /** Seed of weights, images, labels and directions. Default 0. */
  seed?: number;
}

/** What happens to the gradient at one stage, for one seed and one order of layers (CML, arXiv 2305.05954). */
export interface GradientStudyRow {
  seed: number;
  variant: StudyVariant;
  /** Stage 1 takes the image. */
  stage: number;
  /** Share of the gradient at the stage's pool that goes to an input that was not the largest. */
  misrouted: number;
  /** Share in windows where nothing fired, or two or more did: the pool's maximum ties there. */
  silent: number;
  tied: number;
  /** Cosine between the kernel's gradient and that of the same network with soft neurons. */
  relaxedCosine: number;
  /** Cosine between the kernel's gradient and finite differences of the loss, over random directions; NaN without them. */
  finiteCosine: number;
}

const optionKeys = [
  'depth',
  'filters',
  'batch',
  'imageSize',
  'timeSteps',
  'directions',
  'step',
  'seed',
];

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const size = Math.sqrt(dot(a, a) * dot(b, b));
  return size > 0 ? dot(a, b) / size : 0;
}

/** Gradients of the kernels, and the gradient that reached each pool's output. */
function gradients(network: StudyNetwork, variant: StudyVariant, probes: tf.Tensor[] = []) {
  const { kernels } = network;
  const all = tf.grads((...inputs: tf.Tensor[]) => {
    const given = inputs.slice(0, kernels.length) as tf.Tensor4D[];
    const options =
      probes.length > 0 ? { probes: inputs.slice(kernels.length) } : { relaxed: true };
    return runNetwork(network, given, variant, options).loss;
  })([...kernels, ...probes]);
  return all.map((gradient) => gradient.dataSync<'float32'>());
}

/** Random directions for one kernel, all of that length. */
function directionsOf(kernel: tf.Tensor4D, stage: number, options: Required<GradientStudyOptions>) {
  const length = tf.tidy(() => kernel.norm().dataSync<'float32'>()[0]!) * options.step;
  return Array.from({ length: options.directions }, (_, i) => {
    const random = new Random(options.seed, 'direction', stage, i);
    const raw = Float32Array.from({ length: kernel.size }, () => random.normal());
    const scale = length / Math.sqrt(dot(raw, raw));
    return raw.map((x) => x * scale);
  });
}

/** How much the spiking network's loss actually rises along each direction. */
function slopesOf(
  network: StudyNetwork,
  variant: StudyVariant,
  stage: number,
  directions: Float32Array[],
): number[] {
  const kernel = network.kernels[stage]!;
  const loss = (moved: tf.Tensor4D) => {
    const kernels = network.kernels.map((own, i) => (i === stage ? moved : own));
    return runNetwork(network, kernels, variant).loss.dataSync<'float32'>()[0]!;
  };
  return directions.map((direction) => {
    let slope = 0;
    tf.tidy(() => {
      const move = tf.tensor4d(direction, kernel.shape);
      slope = (loss(kernel.add(move)) - loss(kernel.sub(move))) / 2;
    });
    return slope;
  });
}

function resolve(options: GradientStudyOptions): Required<GradientStudyOptions> {
  checkKeys('gradientStudy', options, optionKeys);
  const resolved = {
    depth: 4,
    filters: 16,
    batch: 16,
    imageSize: 32,
    timeSteps: 4,
    directions: 64,
    step: 0.1,
    seed: 0,
    ...options,
  };
  for (const key of ['depth', 'filters', 'batch', 'imageSize', 'timeSteps'] as const) {
    checkPositiveInteger(key, resolved[key]);
  }
  if (!Number.isSafeInteger(resolved.directions) || resolved.directions < 0) {
    throw invalid('directions', 'a whole number', resolved.directions);
  }
  checkPositive('step', resolved.step);
  return resolved;
}

/**
 * Measures one network in every variant: one row per variant and stage. The weights are fresh, as at the start of
 * training.
 *
 * ```ts
 * const rows = gradientStudy({ seed: 1 });
 * ```
 */
export function gradientStudy(options: GradientStudyOptions = {}): GradientStudyRow[] {
  const resolved = resolve(options);
  const { depth, filters, batch, imageSize, timeSteps, seed } = resolved;
  let rows: GradientStudyRow[] = [];
  tf.tidy(() => {
    const network = makeNetwork(resolved);
    const probes = network.kernels.map((_, stage) => {
      const side = sideAfter(imageSize, stage + 1);
      return tf.zeros([batch, timeSteps, side, side, filters]);
    });
    const directions = network.kernels.map((kernel, i) => directionsOf(kernel, i, resolved));
    // The earlier order and 'rerouted' are one network with two gradients, and share their references.
    const compared = new Map(
      (['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const).map((order) => [
        order as StudyVariant,
        {
          smooth: gradients(network, order),
          slopes: directions.map((list, i) => slopesOf(network, order, i, list)),
        },
      ]),
    );
    compared.set('rerouted', compared.get('conv-bn-lif-pool')!);
    rows = studyVariants.flatMap((variant) => {
      const spiking = gradients(network, variant, probes);
      const { smooth, slopes } = compared.get(variant)!;
      const { stages } = runNetwork(network, network.kernels, variant, { trace: true });
      return stages.map(({ pooledFrom, shouldCompare }, i): GradientStudyRow => {
        const [images, time, ...sides] = pooledFrom.shape as [
          number,
          number,
          number,
          number,
          number,
        ];
        const routing = routingOf(
          [images * time, ...sides],
          pooledFrom.dataSync<'float32'>(),
          shouldCompare.dataSync<'float32'>(),
          spiking[depth + i]!,
        );
        const promised = directions[i]!.map((direction) => dot(spiking[i]!, direction));
        return {
          seed,
          variant,
          stage: i + 1,
          ...routing,
          relaxedCosine: cosine(spiking[i]!, smooth[i]!),
          finiteCosine: promised.length > 0 ? cosine(slopes[i]!, promised) : Number.NaN,
        };
      });
    });
  });
  return rows;
}
