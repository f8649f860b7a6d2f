/**
 * BKDSNN's blurred features (Xu et al., arXiv 2407.09083): a share of the student's channels is dropped, and two
 * convolutions learn to restore the teacher's features from the rest.
 */
import * as tf from '@tensorflow/tfjs';
import { Random } from '../lib/random';
import { conv2d } from '../lib/spike_conv';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { type TrainingLoss, teacherOf } from './training_loss';

/** The sizes of the convolutions that restore a teacher's features from a student's. */
export interface RestorationSizes {
  /** Channels of the student's features. */
  channels: number;
  /**
   * Channels of the teacher's features. If they differ from the student's, a convolution of size 1 comes before the
   * blur.
   */
  teacherChannels: number;
}

/** Convolutions by name, 'align/kernel' and so on: `[height, width, in, out]` and `[out]`. */
export type RestorationMaps = Readonly<Record<string, tf.Variable>>;

/** Initialized as in PyTorch: uniform in +-1 / sqrt(fan in). The caller disposes of them. */
export function restorationMaps(sizes: RestorationSizes, seed: number): RestorationMaps {
  const { channels, teacherChannels } = sizes;
  checkPositiveInteger('channels', channels);
  checkPositiveInteger('teacherChannels', teacherChannels);
  const convolutions: [name: string, size: number, inputs: number][] = [
    ...(channels === teacherChannels ? [] : [['align', 1, channels] as [string, number, number]]),
    ['restore1', 3, teacherChannels],
    ['restore2', 3, teacherChannels],
  ];
  const maps: Record<string, tf.Variable> = {};
  for (const [name, size, inputs] of convolutions) {
    const bound = 1 / Math.sqrt(size * size * inputs);
    const shapes = { kernel: [size, size, inputs, teacherChannels], bias: [teacherChannels] };
    for (const [part, shape] of Object.entries(shapes)) {
      const random = new Random(seed, 'restoration', name, part);
      const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
        random.uniform(-bound, bound),
      );
      maps[`${name}/${part}`] = tf.tidy(() => tf.variable(tf.tensor(values, shape)));
    }
  }
  return maps;
}

/** Which channels stay, `[batch, 1, 1, channels]` of 0 and 1: each is dropped with probability `dropped`. */
export function drawBlur(
  random: Random,
  [batch, channels]: readonly [batch: number, channels: number],
  dropped: number,
): tf.Tensor4D {
  const kept = Float32Array.from({ length: batch * channels }, () =>
    random.next() >= dropped ? 1 : 0,
  );
  return tf.tensor4d(kept, [batch, 1, 1, channels]);
}

/**
 * With z = spatial mean of conv3x3(relu(conv3x3(blur * features))), where features are aligned first if their channels
 * differ from the teacher's:
 *
 *   loss = sum (z - teacher)^2 / batch
 *
 * With `clip` the teacher's features are multiplied by max(features) / max(teacher).
 *
 * @param features `[batch, height, width, channels]`; for spiking features, their mean over time
 * @param teacher `[batch, teacherChannels]`
 * @param blur from `drawBlur`, for the teacher's channels
 */
export function blurredFeatureLoss(
  features: tf.Tensor4D,
  teacher: tf.Tensor,
  blur: tf.Tensor4D,
  maps: RestorationMaps,
  { clip = false }: { clip?: boolean } = {},
): tf.Scalar {
  const convolve = (x: tf.Tensor4D, name: string) =>
    conv2d(x, maps[`${name}/kernel`] as tf.Variable<tf.Rank.R4>, 1, 'same').add<tf.Tensor4D>(
      maps[`${name}/bias`]!,
    );
  return tf.tidy(() => {
    const aligned = maps['align/kernel'] ? convolve(features, 'align') : features;
    const blurred = aligned.mul<tf.Tensor4D>(blur);
    const restored = convolve(convolve(blurred, 'restore1').relu(), 'restore2').mean([1, 2]);
    if (!tf.util.arraysEqual(teacher.shape, restored.shape)) {
      throw invalid("the teacher's features", `[${restored.shape}]`, teacher.shape);
    }
    const goal = clip ? teacher.mul(features.max().div(teacher.max())) : teacher;
    return restored.sub(goal).square().sum().div(features.shape[0]).asScalar();
  });
}

/** Options of `blurredFeatures` (BKDSNN, arXiv 2407.09083). */
export interface BlurredFeaturesConfig extends RestorationSizes {
  /** The student's layer, such as its last block: `[batch, time, height, width, channels]`. */
  layer: string;
  /** Seed of the maps' initial values and of the blur, which depends on it, epoch and batch. */
  seed: number;
  /** Share of channels to drop, from 0 to below 1. Default 0.15. */
  dropped?: number;
  /** Whether the teacher's features are scaled to the student's maximum. Default false. */
  clip?: boolean;
}

const keys = ['channels', 'teacherChannels', 'layer', 'seed', 'dropped', 'clip'];

/** blurredFeatureLoss of a layer's mean over time, with maps that train along with the model. */
export function blurredFeatures(config: BlurredFeaturesConfig): TrainingLoss {
  checkKeys('blurredFeatures', config, keys);
  const { layer, seed, dropped = 0.15, clip = false, teacherChannels } = config;
  if (!(dropped >= 0 && dropped < 1)) {
    throw invalid('dropped', 'a number from 0 to below 1', dropped);
  }
  const maps = restorationMaps(config, seed);
  return {
    featuresOf: layer,
    variables: maps,
    compute({ features, teacher, at }) {
      if (features?.rank !== 5) {
        throw invalid(
          `the outputs of ${layer}`,
          '[batch, time, height, width, channels]',
          features?.shape,
        );
      }
      const { features: goal } = teacherOf(teacher);
      if (!goal)
        throw new Error('blurredFeatures needs the features of a teacher layer: set featuresOf');
      const random = new Random(seed, 'blur', at.epoch, at.batch);
      const blur = drawBlur(random, [features.shape[0]!, teacherChannels], dropped);
      return blurredFeatureLoss(features.mean(1), goal, blur, maps, { clip });
    },
    dispose: () => tf.dispose(Object.values(maps)),
  };
}
