/** NIR's nodes without state that tf.layers has not: Scale, Threshold, SumPool2d, Flatten, Delay, and the padding of convolutions. */
import * as tf from '@tensorflow/tfjs';
import { checkLayerKeys, type LayerArgs, oneShape, oneTensor, register } from '../../layers/layer';
import { spike } from '../../lib/spike';
import { checkOneOf, invalid } from '../../lib/validate';

/** NIR's types with one weight, which is named as its type, in lower case. */
export const elementwiseTypes = ['scale', 'threshold', 'delay'] as const;
export type ElementwiseType = (typeof elementwiseTypes)[number];

export interface NirElementwiseConfig extends LayerArgs {
  type: ElementwiseType;
  /** Of its weight: the input's without batch and time, or one that broadcasts to it. */
  shape: number[];
}

/**
 * `[batch, time, ...]` -> the same shape: x times `scale`; 1 where x is at least `threshold`, else 0; or x as it was
 * `delay` time steps before, zeros at first.
 */
export class NirElementwise extends tf.layers.Layer {
  static className = 'NirElementwise';
  readonly type: ElementwiseType;
  private readonly weightShape: number[];
  private weight!: tf.LayerVariable;

  constructor(config: NirElementwiseConfig) {
    checkLayerKeys('NirElementwise', config, ['type', 'shape']);
    super(config);
    checkOneOf('type', config.type, elementwiseTypes);
    this.type = config.type;
    this.weightShape = config.shape;
  }

  override build(): void {
    this.weight = this.addWeight(this.type, this.weightShape, 'float32', tf.initializers.ones());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [x, weight] = [oneTensor(inputs), this.weight.read()];
      if (this.type === 'scale') return x.mul(weight);
      if (this.type === 'threshold') return spike(x.sub(weight));
      const steps = tf.range(0, x.shape[1]!).reshape([-1, ...x.shape.slice(2).map(() => 1)]);
      const from = steps.sub(weight).broadcastTo(x.shape.slice(1));
      return delayed(x, from);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), type: this.type, shape: this.weightShape };
  }
}

/** x at the steps `from` `[time, ...]`, zeros before the first. */
function delayed(x: tf.Tensor, from: tf.Tensor): tf.Tensor {
  return tf.addN(
    tf.unstack(x, 1).map((xt, step) => from.equal(step).cast('float32').mul(xt.expandDims(1))),
  );
}

export interface NirPoolConfig extends LayerArgs {
  /** Height and width of the window. */
  poolSize: [number, number];
  strides: [number, number];
  /** Zeros on both sides of height and width. */
  padding: [number, number];
  /** Whether the sum is divided by the size of the window, which counts zeros of the padding too. */
  average: boolean;
}

/** `[batch, time, height, width, channels]` -> sums or means over windows. */
export class NirPool extends tf.layers.Layer {
  static className = 'NirPool';
  readonly options: Required<Pick<NirPoolConfig, 'poolSize' | 'strides' | 'padding' | 'average'>>;

  constructor(config: NirPoolConfig) {
    checkLayerKeys('NirPool', config, ['poolSize', 'strides', 'padding', 'average']);
    super(config);
    const { poolSize, strides, padding, average } = config;
    this.options = { poolSize, strides, padding, average };
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const { poolSize, strides, padding, average } = this.options;
      const [batch, time, ...image] = x.shape as number[];
      const [rows, columns] = padding.map((n) => [n, n] as [number, number]);
      const images = x
        .reshape<tf.Tensor4D>([batch! * time!, ...image])
        .pad([[0, 0], rows!, columns!, [0, 0]]) as tf.Tensor4D;
      const [height, width] = poolSize;
      // Not tfjs's mean pool: a mean times its size may not be the whole number that the sum of spikes is.
      const ones = tf.ones<tf.Rank.R4>([height, width, images.shape[3], 1]);
      const sums = tf.depthwiseConv2d(images, ones, strides, 'valid');
      const pooled = average ? sums.div(height * width) : sums;
      return pooled.reshape([batch!, time!, ...pooled.shape.slice(1)]);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch, time, height, width, channels] = oneShape(inputShape);
    const { poolSize, strides, padding } = this.options;
    const side = (n: number, i: 0 | 1) =>
      Math.floor((n + 2 * padding[i] - poolSize[i]) / strides[i]) + 1;
    const sides = [side(height!, 0), side(width!, 1)];
    if (!(Math.min(...sides) >= 1))
      throw invalid(`The input of ${this.name}`, 'as large as the window', inputShape);
    return [batch!, time!, ...sides, channels!];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}

export interface NirPaddingConfig extends LayerArgs {
  /** Zeros on both sides of each axis between time and channels. */
  padding: number[];
}

/** `[batch, time, ..., channels]` -> the same with zeros around it. */
export class NirPadding extends tf.layers.Layer {
  static className = 'NirPadding';
  readonly padding: number[];

  constructor(config: NirPaddingConfig) {
    checkLayerKeys('NirPadding', config, ['padding']);
    super(config);
    this.padding = config.padding;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const [batch, time, ...sizes] = x.shape as number[];
      const sides = this.padding.map((n) => [n, n] as [number, number]);
      const padded = x.reshape([batch! * time!, ...sizes]).pad([[0, 0], ...sides, [0, 0]]);
      return padded.reshape([batch!, time!, ...padded.shape.slice(1)]);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape).map((n, axis) => n && n + 2 * (this.padding[axis - 2] ?? 0));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), padding: this.padding };
  }
}

/** `[batch, time, ..., channels]` -> `[batch, time, numbers]` in NIR's order, channels before height and width. */
export class NirFlatten extends tf.layers.Layer {
  static className = 'NirFlatten';

  constructor(config: LayerArgs = {}) {
    checkLayerKeys('NirFlatten', config, []);
    super(config);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const last = x.rank - 1;
      const inner = x.shape.slice(2, -1).map((_, i) => i + 2);
      const [batch, time] = x.shape as [number, number];
      return x.transpose([0, 1, last, ...inner]).reshape([batch, time, -1]);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch, time, ...sizes] = oneShape(inputShape);
    return [batch!, time!, (sizes as number[]).reduce((a, b) => a * b, 1)];
  }
}

register(NirElementwise);
register(NirPool);
register(NirFlatten);
register(NirPadding);
