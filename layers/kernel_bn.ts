/** What ConvBN and LinearBN have in common: a kernel and the batch norm after it, two layers or, fused, one. */
import * as tf from '@tensorflow/tfjs';
import { statisticsShare } from '../lib/shared_statistics';
import type { ChannelAffine } from '../lib/spike_conv';
import { isRecordingGradients } from '../lib/tfjs_internals';
import { BatchNormOverTime } from './batch_norm_over_time';
import { CompositeLayer } from './composite';
import { type CallArgs, hasCallHook, type LayerArgs } from './layer';
import { LIFNode } from './lif_node';
import { mapOperations, type OperationList, outputSizes, product } from './operations';
import { emitInput, emitSpikes } from './spikes';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/** `product(x, kernel) + bias`, batch normalized; the product is the subclass's. */
export abstract class KernelBN extends CompositeLayer {
  /** @internal How many equal time steps each of the input's stands for: set by a layer that presents an image that often. */
  repeats = 1;
  protected kernel!: tf.LayerVariable;
  private bias?: tf.LayerVariable;
  private readonly bn: BatchNormOverTime;

  constructor(config: LayerArgs, ownKeys: readonly string[]) {
    super(config, ownKeys);
    this.bn = this.own(new BatchNormOverTime({ name: 'bn' }));
  }

  /** As `operations` and `summary` call it. */
  protected abstract readonly kind: 'convolution' | 'linear';

  /** Of an input with a time axis; the first axes of the result may be folded into one. */
  protected abstract product(x: tf.Tensor): tf.Tensor;

  /** The product and `affine` as one operation that skips zeros; null if there is none. */
  protected abstract affineProduct(x: tf.Tensor, affine: ChannelAffine): tf.Tensor | null;

  /** See CompositeLayer: there is no batch norm any more, but a bias whatever useBias says. */
  override fuse(): void {
    super.fuse();
    this.sublayers.length = 0;
  }

  /** Its kernel `[..., channels, filters]`, its bias where there is one, and its batch norm's. */
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

  /** @internal The weights of this layer's fused form: kernel scale, and what is added then. */
  fusedWeights(): [kernel: tf.Tensor, bias: tf.Tensor] {
    return tf.tidy(() => {
      const { scale, shift } = this.bn.affine(this.bias?.read());
      return [this.kernel.read().mul(scale), shift];
    });
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    emitInput(this, x, this.repeats);
    const affine = this.asAffine(kwargs);
    const inferred = affine && this.affineProduct(x, affine);
    return this.unfolded(inferred ?? this.normalize(this.product(x), kwargs), x);
  }

  /** What follows the product at inference, for one that does it on the way; null where it takes more. */
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
    return y.reshape(this.computeOutputShape(x.shape) as number[]);
  }

  /**
   * @internal In training, the spikes of the LIF neurons behind it: product, batch norm and neurons as one operation,
   * in which the numbers between them are never kept. Null if they are not one: the layers are then called.
   */
  withNeuron(next: tf.layers.Layer, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    if (next.getClassName() !== 'LIFNode' || next.stateful || this.repeats !== 1) return null;
    if (this.fused || !this.bn.usesBatch(kwargs) || statisticsShare()) return null;
    const isPlain =
      this.forward === KernelBN.prototype.forward &&
      this.call === KernelBN.prototype.call &&
      next.call === LIFNode.prototype.call &&
      ![this, this.bn, next].some(hasCallHook);
    if (!isPlain) return null;
    emitInput(this, x);
    const y = this.unfolded(this.product(x), x);
    const spikes = this.bn.fire(y, (next as LIFNode).attrs, { bias: this.bias?.read() });
    emitSpikes(next, spikes);
    return spikes;
  }

  /** An image is computed once for all of its time steps, and counts as often as it is presented. */
  override operations(): OperationList {
    const [time, ...sizes] = outputSizes(this);
    const steps = time! * this.repeats;
    return [mapOperations(this, this.kind, steps, steps * product(sizes))];
  }

  private checkInference({ training }: CallArgs): void {
    if (!training) return;
    throw new Error(
      `${this.name} is fused for inference, without the batch norm that training needs: ` +
        'train the model that it was made from',
    );
  }
}
