/** What ConvBN and LinearBN share: a kernel and the batch norm after it, as two layers or, once fused, as one. */
import * as tf from '@tensorflow/tfjs';
import type { MaxPoolParams } from '../lib/max_pool';
import { asFloats, type StoredWeight, stepsPerChannel, type WeightFormat } from '../lib/quantize';
import { statisticsShare } from '../lib/shared_statistics';
import {
  type ChannelAffine,
  type MapNeurons,
  scaleAndShift,
  spikeConvLIF,
  spikeConvPool,
} from '../lib/spike_conv';
import { isRecordingGradients } from '../lib/tfjs_internals';
import { BatchNormOverTime } from './batch_norm_over_time';
import { type CompositeClass, CompositeLayer } from './composite';
import { type CallArgs, isWatched, type LayerArgs } from './layer';
import type { NeuronLayer } from './neuron_layer';
import { mapOperations, type OperationList, outputSizes, product } from './operations';
import { emitInput, emitSpikes } from './spikes';
import type { ReadWeight, StoresWeights } from './stored_weights';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/** `product(x, kernel) + bias`, then batch norm; the subclass defines the product. */
export abstract class KernelBN extends CompositeLayer implements StoresWeights {
  /**
   * @internal How many equal time steps each of the input's steps stands for. A layer that presents an image repeatedly
   * sets it.
   */
  repeats = 1;
  /** @internal See MapLayer. */
  kernel!: tf.LayerVariable;
  private bias?: tf.LayerVariable;
  private readonly bn: BatchNormOverTime;

  constructor(config: LayerArgs, ownKeys: readonly string[]) {
    super(config, ownKeys);
    this.bn = this.own(new BatchNormOverTime({ name: 'bn' }));
  }

  /** The kind that `operations` and `summary` report. */
  protected abstract readonly kind: 'convolution' | 'linear';

  /** @internal The product with an input that has a time axis. The first axes of the result may be folded into one. */
  abstract product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor;

  /**
   * The product and `affine` as one operation that skips zeros; null if the backend has none. `addend` is given only if
   * `isSpikeProduct`.
   */
  protected abstract affineProduct(
    x: tf.Tensor,
    affine: ChannelAffine,
    addend?: tf.Tensor,
  ): tf.Tensor | null;

  /** Whether `affineProduct` is `spikeConv2d` or `spikeLinear` of the kernel, which neurons or a sum may be merged with. */
  protected isSpikeProduct(): boolean {
    return false;
  }

  /** See CompositeLayer: no batch norm is left, and there is a bias whatever useBias is. */
  override fuse(): void {
    super.fuse();
    this.sublayers.length = 0;
  }

  /** Adds its kernel `[..., channels, filters]`, its bias if it has one, and the batch norm's weights. */
  protected addWeights(
    shape: number[],
    initializers: { kernel: Initializer; bias: Initializer | null },
    outputShape: tf.Shape,
  ): void {
    const filters = shape.at(-1)!;
    const bias = initializers.bias ?? (this.fused ? tf.initializers.zeros() : null);
    this.kernel = this.addWeight('kernel', shape, 'float32', initializers.kernel);
    if (bias) this.bias = this.addWeight('bias', [filters], 'float32', bias);
    if (!this.fused) this.buildSublayer(this.bn, outputShape);
  }

  /** @internal The weights of this layer's fused form: the scaled kernel and the bias. */
  fusedWeights(): [kernel: tf.Tensor, bias: tf.Tensor] {
    return tf.tidy(() => {
      const { scale, shift } = scaleAndShift(this.bn.affine(this.bias?.read()));
      return [this.kernel.read().mul(scale), shift];
    });
  }

  /**
   * In int8 the kernel is in whole steps per channel, bias and running statistics count in the same steps, and what
   * the batch norm returns stays. Steps below 1e-10 of a channel's deviation would change no output, and could overflow.
   */
  storedWeights(to: WeightFormat, read: ReadWeight): Map<tf.LayerVariable, StoredWeight> {
    if (to !== 'int8') return new Map();
    if (this.fused) {
      throw new Error(
        `${this.name} cannot become int8: it is fused for inference and has no batch norm. ` +
          'Quantize the model that it was made from, and fuse that',
      );
    }
    const least = this.bn.deviations(read).map((deviation) => 1e-10 * deviation);
    const { lengths, ...kernel } = stepsPerChannel(read(this.kernel), least);
    const stored = new Map([[this.kernel, kernel]]);
    for (const [weight, values] of this.bn.statisticsIn(lengths, read)) {
      stored.set(weight, asFloats(values));
    }
    if (this.bias) {
      stored.set(this.bias, asFloats(read(this.bias).map((value, c) => value / lengths[c]!)));
    }
    return stored;
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    emitInput(this, x, this.repeats);
    const affine = this.asAffine(kwargs);
    const inferred = affine && this.affineProduct(x, affine);
    return this.unfolded(
      inferred ?? this.normalize(this.product(x, this.kernel.read()), kwargs),
      x,
    );
  }

  /**
   * The batch norm as scale and shift, for a product that applies them itself; null in training and while a gradient is
   * recorded.
   */
  private asAffine(kwargs: CallArgs): ChannelAffine | null {
    if (!this.fused) return this.bn.asAffine(kwargs, this.bias?.read());
    this.checkInference(kwargs);
    if (isRecordingGradients()) return null;
    return { scale: tf.ones([this.kernel.shape.at(-1)!]), shift: this.bias!.read() };
  }

  private normalize(y: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    if (this.fused) return y.add(this.bias!.read());
    return this.bn.normalize(y, kwargs, { bias: this.bias?.read(), repeats: this.repeats });
  }

  private unfolded(y: tf.Tensor, x: tf.Tensor): tf.Tensor {
    return y.rank === x.rank ? y : y.reshape(this.computeOutputShape(x.shape) as number[]);
  }

  /**
   * @internal The spikes of the neurons behind it: product, batch norm and neurons run as one operation that keeps none
   * of the numbers in between. Null if they cannot be one; the layers are then called one by one.
   */
  withNeuron(next: tf.layers.Layer, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    const mayMerge = this.repeats === 1 && this.isPlain(KernelBN);
    const neurons = mayMerge ? (next as Partial<NeuronLayer>).asMapNeurons?.() : null;
    if (!neurons) return null;
    const spikes =
      !this.fused && this.bn.usesBatch(kwargs)
        ? this.fireInTraining(next, x, neurons)
        : this.fireAtInference(x, kwargs, neurons);
    if (spikes) emitSpikes(next, spikes);
    return spikes;
  }

  /**
   * @internal Its output `[batch, time, height, width, filters]`, pooled: product and batch norm, or in training batch
   * norm and pool, run as one operation that keeps nothing in between. Null if they cannot be one.
   */
  withPool(pool: MaxPoolParams, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    if (!this.fused && this.bn.usesBatch(kwargs)) return this.poolInTraining(pool, x);
    const affine = this.toMerge(x, kwargs);
    return affine && spikeConvPool(x, this.kernel.read() as tf.Tensor4D, affine, pool);
  }

  private poolInTraining(pool: MaxPoolParams, x: tf.Tensor): tf.Tensor | null {
    if (!this.isPlain(KernelBN) || statisticsShare()) return null;
    emitInput(this, x, this.repeats);
    const y = this.unfolded(this.product(x, this.kernel.read()), x);
    return this.bn.pool(y, pool, { bias: this.bias?.read(), repeats: this.repeats });
  }

  /** @internal See CompositeLayer. */
  override plus(addend: tf.Tensor, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    const affine = this.toMerge(x, kwargs);
    return affine && this.affineProduct(x, affine, addend);
  }

  /** At inference: the batch norm of a product of spikes that is about to be merged with what is behind it; or null. */
  private toMerge(x: tf.Tensor, kwargs: CallArgs): ChannelAffine | null {
    const affine = this.isPlain(KernelBN) && this.isSpikeProduct() ? this.asAffine(kwargs) : null;
    if (affine) emitInput(this, x, this.repeats);
    return affine;
  }

  /** And nobody wants to see what is between the product and the batch norm's output. */
  protected override isPlain(of: CompositeClass): boolean {
    return super.isPlain(of) && !isWatched(this.bn);
  }

  private fireInTraining(next: tf.layers.Layer, x: tf.Tensor, { attrs }: MapNeurons) {
    if (next.getClassName() !== 'LIFNode' || statisticsShare()) return null;
    emitInput(this, x);
    const y = this.unfolded(this.product(x, this.kernel.read()), x);
    return this.bn.fire(y, attrs, { bias: this.bias?.read() });
  }

  private fireAtInference(x: tf.Tensor, kwargs: CallArgs, neurons: MapNeurons) {
    const affine = this.toMerge(x, kwargs);
    return affine && spikeConvLIF(x, this.kernel.read(), affine, neurons);
  }

  /** An image is computed once for all its time steps, but counts once per time step. */
  override operations(): OperationList {
    const [time, ...sizes] = outputSizes(this);
    const steps = time! * this.repeats;
    return [mapOperations(this, this.kind, steps, steps * product(sizes))];
  }

  private checkInference({ training }: CallArgs): void {
    if (!training) return;
    throw new Error(
      `${this.name} cannot train: it is fused for inference and has no batch norm. ` +
        'Train the model that it was made from',
    );
  }
}
