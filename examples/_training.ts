/** What training and evaluating on images takes: batches, a schedule, a count of right answers. */
import * as tf from '@tensorflow/tfjs';
import { observe } from 'tfjs-spikingformer';
import type { Images } from './_data';

/** Makes the named backend current. Throws where it is not installed or does not start. */
export async function useBackend(name: string): Promise<void> {
  if (name === 'tensorflow') {
    const node = '@tensorflow/tfjs-node'; // optional, so not known to the compiler
    await import(node).catch((cause: Error) => {
      throw new Error(`backend tensorflow needs ${node}, which does not load: ${cause.message}`);
    });
  }
  if (!(await tf.setBackend(name))) throw new Error(`backend ${name} does not start`);
  await tf.ready();
}

/** Images `which` as a tensor of values 0 to 1, `[which.length, height, width, channels]`. */
export function pick({ pixels, shape }: Images, which: ArrayLike<number>): tf.Tensor4D {
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  const values = new Float32Array(which.length * size);
  for (let i = 0; i < which.length; i++) {
    const start = which[i] * size;
    for (let k = 0; k < size; k++) values[i * size + k] = pixels[start + k] / 255;
  }
  return tf.tensor4d(values, [which.length, height, width, channels]);
}

/** Batches in random order without end: no image comes again before all have come. */
export function shuffledBatches(images: Images, batch: number, numClasses: number) {
  const count = images.labels.length;
  return tf.data.generator(function* () {
    let order: Uint32Array = new Uint32Array(0);
    let next = 0;
    for (;;) {
      const which = new Uint32Array(batch);
      for (let i = 0; i < batch; i++) {
        if (next === order.length) {
          order = tf.util.createShuffledIndices(count);
          next = 0;
        }
        which[i] = order[next++];
      }
      const classes = tf.tidy(() =>
        tf.oneHot(
          tf.tensor1d(
            Array.from(which, (i) => images.labels[i]),
            'int32',
          ),
          numClasses,
        ),
      );
      yield { xs: pick(images, which), ys: classes as tf.Tensor };
    }
  });
}

/** From 0 to `highest` in the first twentieth of all steps, then down along a cosine to 0. */
export function cosineSchedule(highest: number, steps: number): (step: number) => number {
  const warmUp = Math.ceil(steps / 20);
  return (step) =>
    step < warmUp
      ? (highest * (step + 1)) / warmUp
      : (highest / 2) * (1 + Math.cos((Math.PI * (step - warmUp)) / (steps - warmUp)));
}

/** Share of images that the model classifies rightly, from 0 to 1. */
export async function accuracyOf(
  model: tf.LayersModel,
  images: Images,
  onProgress: (done: number) => void = () => {},
  batch = 100,
): Promise<number> {
  const count = images.labels.length;
  let right = 0;
  for (let start = 0; start < count; start += batch) {
    const which = Uint32Array.from({ length: Math.min(batch, count - start) }, (_, i) => start + i);
    const classes = tf.tidy(() => {
      const logits = model.predict(pick(images, which)) as tf.Tensor;
      return logits.argMax(-1).dataSync();
    });
    classes.forEach((label, i) => {
      if (label === images.labels[which[i]]) right++;
    });
    onProgress(start + which.length);
    await tf.nextFrame(); // lets Ctrl-C through
  }
  return right / count;
}

/** Share of neurons and time steps that fire, over all layers, from 0 to 1. */
export function firingRateOf(model: tf.LayersModel, x: tf.Tensor): number {
  let fired = 0;
  let neurons = 0;
  for (const spikes of observe(model, x).values()) {
    fired += tf.tidy(() => spikes.sum().dataSync()[0]);
    neurons += spikes.size;
    spikes.dispose();
  }
  return fired / neurons;
}
