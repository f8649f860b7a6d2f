/** How active a network is: firing rates, and the zeros in every map's input, by layer and time step. */
import * as tf from '@tensorflow/tfjs';
import { isStockMap } from '../layers/operations';
import { checkBoolean, checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { whileListening } from './_listening';
import { keepingStatistics } from './statistics';
import { walkLayers } from './walk';

/** What a tensor holds: only 0 and 1; whole numbers, such as sums of spikes; or any numbers. */
export type ValueKind = 'spikes' | 'whole' | 'real';

/** How busy a tensor is, over all samples and time steps. */
export interface TensorActivity {
  kind: ValueKind;
  /** Share of numbers that are not 0, over all samples and steps. */
  density: number;
  /** Mean of the numbers; for spikes, the firing rate. */
  mean: number;
  /** Density at each time step; one number if there is no time axis. */
  perStep: number[];
}

/** What `measureActivity` found: how busy the neurons are, and what convolutions and linear maps get. */
export interface Activity {
  /** Number of samples measured. */
  samples: number;
  /** The spikes of every neuron layer, by path. */
  neurons: Map<string, TensorActivity>;
  /** The input of every convolution and linear map, by path. */
  inputs: Map<string, TensorActivity>;
}

/** Options of `measureActivity`. */
export interface ActivityOptions {
  /** Samples per batch. Default 16. */
  batchSize?: number;
  /** Whether to run as in training, with each batch's statistics. Running statistics stay unchanged. Default false. */
  training?: boolean;
  /** Called after each batch with the numbers of samples done and in total. */
  onProgress?: (done: number, total: number) => void;
}

interface Sum extends TensorActivity {
  /** Number of terms added up, in units of samples. */
  weight: number;
}

/** What is measured of one tensor, still on the backend: its density at each step, then three more numbers. */
function statisticsOf(x: tf.Tensor, timed: boolean): tf.Tensor1D {
  return tf.tidy(() => {
    const axes = x.shape.map((_, axis) => axis).filter((axis) => !timed || axis !== 1);
    const awake = x.notEqual(0).toFloat();
    const isWhole = x.equal(x.floor()).all();
    const isSpikes = x.equal(awake).all();
    const parts = [awake.mean(axes), x.mean(), isWhole.toFloat(), isSpikes.toFloat()];
    return tf.concat(parts.map((part) => part.flatten()));
  });
}

function activityOf(statistics: Float32Array, repeats: number): TensorActivity {
  const [mean, isWhole, isSpikes] = statistics.subarray(-3);
  const steps = Array.from(statistics.subarray(0, -3));
  const perStep = steps.flatMap((density) => Array<number>(repeats).fill(density));
  return {
    kind: isSpikes ? 'spikes' : isWhole ? 'whole' : 'real',
    density: perStep.reduce((a, b) => a + b, 0) / perStep.length,
    mean: mean!,
    perStep,
  };
}

/** The more general of two kinds. */
function widest(a: ValueKind, b: ValueKind): ValueKind {
  const order: ValueKind[] = ['spikes', 'whole', 'real'];
  return order[Math.max(order.indexOf(a), order.indexOf(b))]!;
}

function add(sums: Map<string, Sum>, path: string, now: TensorActivity, weight: number): void {
  const old = sums.get(path);
  if (!old) {
    sums.set(path, { ...now, weight });
    return;
  }
  const total = old.weight + weight;
  const blend = (a: number, b: number) => (a * old.weight + b * weight) / total;
  sums.set(path, {
    kind: widest(old.kind, now.kind),
    density: blend(old.density, now.density),
    mean: blend(old.mean, now.mean),
    perStep: old.perStep.map((density, t) => blend(density, now.perStep[t]!)),
    weight: total,
  });
}

const finished = (sums: Map<string, Sum>) =>
  new Map([...sums].map(([path, { weight: _, ...activity }]) => [path, activity]));

/**
 * Runs the model on x `[samples, ...]`, batch by batch.
 *
 * ```ts
 * const { neurons } = measureActivity(model, x);
 * neurons.get('block1/attn/q_lif')?.perStep; // firing rate at each time step
 * ```
 *
 * @throws if the model is stateful: each batch would start where the previous one ended
 */
export function measureActivity(
  model: tf.LayersModel,
  x: tf.Tensor,
  options: ActivityOptions = {},
): Activity {
  checkKeys('measureActivity', options, ['batchSize', 'training', 'onProgress']);
  const steps = batchByBatch(model, x, options);
  let turn = steps.next();
  while (!turn.done) turn = steps.next(turn.value.dataSync<'float32'>());
  return turn.value;
}

/**
 * The same, yielding between batches, so that a page can redraw and a signal can arrive. Reads are asynchronous, as
 * webgpu needs them.
 *
 * @throws the signal's reason, once it is aborted
 */
export async function measureActivityAsync(
  model: tf.LayersModel,
  x: tf.Tensor,
  options: ActivityOptions & { signal?: AbortSignal } = {},
): Promise<Activity> {
  checkKeys('measureActivityAsync', options, ['batchSize', 'training', 'onProgress', 'signal']);
  const { signal, ...rest } = options;
  const steps = batchByBatch(model, x, rest);
  const read = async (numbers: tf.Tensor1D) => {
    const values = await numbers.data<'float32'>();
    await tf.nextFrame();
    signal?.throwIfAborted();
    return values;
  };
  try {
    signal?.throwIfAborted();
    let turn = steps.next();
    while (!turn.done) turn = steps.next(await read(turn.value));
    return turn.value;
  } finally {
    steps.return({ samples: 0, neurons: new Map(), inputs: new Map() }); // gives back what was not read
  }
}

/** One tensor's statistics, and where they go. */
interface Sight {
  sums: Map<string, Sum>;
  path: string;
  repeats: number;
  statistics: tf.Tensor1D;
}

/** Yields after each batch, so that its statistics are read in one go: reads from a GPU are slow. */
function* batchByBatch(
  model: tf.LayersModel,
  x: tf.Tensor,
  { batchSize = 16, training = false, onProgress }: ActivityOptions,
): Generator<tf.Tensor1D, Activity, Float32Array> {
  checkPositiveInteger('batchSize', batchSize);
  checkBoolean('training', training);
  const samples = x.shape[0] ?? 0;
  if (samples === 0) throw invalid('x', 'a tensor of at least one sample', x.shape);
  if (model.stateful) throw invalid('model', 'stateless: build it without stateful', model.name);
  const paths = new Map<tf.layers.Layer, string>();
  walkLayers(model, (layer, path) => paths.set(layer, path));
  const pathOf = (layer: tf.layers.Layer) => paths.get(layer) ?? layer.name;
  const [neurons, inputs] = [new Map<string, Sum>(), new Map<string, Sum>()];
  let sights: Sight[] = [];
  const hear = (sums: Map<string, Sum>, timed: boolean) => {
    return (layer: tf.layers.Layer, tensor: tf.Tensor, repeats = 1) => {
      const statistics = tf.keep(statisticsOf(tensor, timed)); // past the layer's own tidy
      sights.push({ sums, path: pathOf(layer), repeats, statistics });
    };
  };
  const heard = {
    spikes: hear(neurons, true),
    input: (layer: tf.layers.Layer, tensor: tf.Tensor, repeats?: number) =>
      hear(inputs, !isStockMap(layer))(layer, tensor, repeats),
  };
  const run = (from: number, size: number) =>
    tf.tidy(() => {
      const batch = x.slice([from], [size]);
      sights = [];
      try {
        whileListening(model, heard, () => model.apply(batch, { training }));
        return tf.concat([tf.tensor1d([]), ...sights.map(({ statistics }) => statistics)]);
      } finally {
        tf.dispose(sights.map(({ statistics }) => statistics));
      }
    });
  for (let from = 0; from < samples; from += batchSize) {
    const size = Math.min(batchSize, samples - from);
    const all = training ? keepingStatistics(model, () => run(from, size)) : run(from, size);
    onProgress?.(from + size, samples);
    let numbers: Float32Array;
    try {
      numbers = yield all;
    } finally {
      all.dispose();
    }
    for (const { sums, path, repeats, statistics } of sights) {
      add(sums, path, activityOf(numbers.subarray(0, statistics.size), repeats), size);
      numbers = numbers.subarray(statistics.size);
    }
  }
  return { samples, neurons: finished(neurons), inputs: finished(inputs) };
}
