/** What ConvBN and LinearBN have in common: a kernel and the batch norm after it, two layers or, fused, one. */
import * as tf from '@tensorflow/tfjs';
import { type ChannelAffine, isRecordingGradients } from '../lib/spike_conv';
import { applyTo, CompositeLayer } from './_composite';
import type { CallArgs } from './_layer';
import { emitInput, emitSpikes } from './_spikes';
import { BatchNormOverTime } from './batch_norm_over_time';
import { LIFNode } from './lif_node';

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

  /** The convolution alone, of an input with a time axis; its time axis may be folded into the batch. */
  protected abstract convolved(x: tf.Tensor): tf.Tensor;

  /** The spikes of a neuron behind it, as if that were applied to its output; in training both are one operation. */
  fire(lif: LIFNode, x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    if (this.fused || lif.stateful || !this.bn.usesBatch(kwargs)) {
      return applyTo(lif, applyTo(this, x, kwargs), kwargs);
    }
    return tf.tidy(() => {
      emitInput(this, x);
      const y = this.convolved(x).reshape(this.computeOutputShape(x.shape) as number[]);
      const spikes = this.bn.fire(y, lif.attrs, { bias: this.bias?.read() });
      emitSpikes(lif, spikes);
      return spikes;
    });
  }

  private checkInference({ training }: CallArgs): void {
    if (!training) return;
    throw new Error(
      `${this.name} is fused for inference, without the batch norm that training needs: ` +
        'train the model that it was made from',
    );
  }
}

/** One layer after the other; of a ConvBN or LinearBN and the LIF neuron behind it, see `fire`. */
export function applyAll(
  layers: readonly tf.layers.Layer[],
  x: tf.Tensor,
  kwargs: CallArgs,
): tf.Tensor {
  const [layer, next, ...rest] = layers;
  if (!layer) return x;
  if (layer instanceof KernelBN && next instanceof LIFNode) {
    return applyAll(rest, layer.fire(next, x, kwargs), kwargs);
  }
  return applyAll(layers.slice(1), applyTo(layer, x, kwargs), kwargs);
}
