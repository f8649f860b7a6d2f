/** What ConvBN and LinearBN have in common: a kernel and the batch norm after it, two layers or, fused, one. */
import * as tf from '@tensorflow/tfjs';
import { type ChannelAffine, isRecordingGradients } from '../lib/spike_conv';
import { CompositeLayer } from './_composite';
import type { CallArgs } from './_layer';
import { BatchNormOverTime } from './batch_norm_over_time';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/** `conv(x, kernel) + bias`, batch normalized; the convolution is the subclass's. */
export abstract class KernelBN extends CompositeLayer {
  protected kernel!: tf.LayerVariable;
  private bias?: tf.LayerVariable;
  private readonly bn = this.own(new BatchNormOverTime({ name: 'bn' }));

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

  /** The weights of this layer's fused form: kernel scale, and what is added then. */
  fusedWeights(): [kernel: tf.Tensor, bias: tf.Tensor] {
    return tf.tidy(() => {
      const { scale, shift } = this.bn.affine(this.bias?.read());
      return [this.kernel.read().mul(scale), shift];
    });
  }

  /** What follows the convolution at inference, for one that does it on the way; null where it takes more. */
  protected asAffine(kwargs: CallArgs): ChannelAffine | null {
    if (!this.fused) return this.bn.asAffine(kwargs, this.bias?.read());
    this.checkInference(kwargs);
    if (isRecordingGradients()) return null;
    return { scale: tf.ones([this.kernel.shape.at(-1)!]), shift: this.bias!.read() };
  }

  /** What follows the convolution. `repeats`: how many time steps y stands for in the running statistics. */
  protected normalize(y: tf.Tensor, kwargs: CallArgs, repeats = 1): tf.Tensor {
    if (!this.fused) return this.bn.normalize(y, kwargs, { bias: this.bias?.read(), repeats });
    this.checkInference(kwargs);
    return y.add(this.bias!.read());
  }

  private checkInference({ training }: CallArgs): void {
    if (!training) return;
    throw new Error(
      `${this.name} is fused for inference, without the batch norm that training needs: ` +
        'train the model that it was made from',
    );
  }
}
