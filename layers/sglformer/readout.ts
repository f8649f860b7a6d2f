/**
 * SGLFormer's readout: one weight per token, time step and channel, and batch norm over the samples (doi
 * 10.3389/fnins.2024.1371290).
 */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../../lib/validate';
import { torchBias, torchKernel } from '../initializers';
import { KernelBN } from '../kernel_bn';
import { checkTokens, type LayerArgs, oneShape, register } from '../layer';
import { mapOperations, type OperationList, outputSizes } from '../operations';

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> `[batch, channels]`: BN(bias[c] +
 * sum over tokens l and steps t of kernel[l, t, c] x[t, l, c]). Time steps and tokens must be known, since they shape
 * the kernel `[tokens, time, 1, channels]`. Training needs at least 2 samples for the statistics.
 */
export class SGLFormerReadout extends KernelBN {
  static className = 'SGLFormerReadout';
  protected override readonly kind = 'convolution';

  constructor(config: LayerArgs = {}) {
    super(config, []);
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    const [time, ...sides] = inputShape.slice(1, -1);
    if (time == null || sides.some((side) => side == null)) {
      throw invalid(`The input of ${this.name}`, 'of known time steps and tokens', inputShape);
    }
    const tokens = (sides as number[]).reduce((a, b) => a * b, 1);
    const initializers = { kernel: torchKernel(), bias: torchBias(tokens * time) };
    const shape = [tokens, time, 1, channels];
    this.addWeights(shape, initializers, this.computeOutputShape(inputShape));
  }

  protected override affineProduct(): null {
    return null;
  }

  override product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
    const [tokens, time, , channels] = kernel.shape as [number, number, number, number];
    const perStep = kernel.reshape([tokens, time, channels]).transpose([1, 0, 2]);
    const weighted = x.reshape([-1, time * tokens, channels]).mul(perStep.reshape([-1, channels]));
    return tf.sum(weighted, 1);
  }

  override operations(): OperationList {
    const [channels] = outputSizes(this) as [number];
    return [mapOperations(this, this.kind, this.kernel.shape[1]!, channels)];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    return [shape[0]!, checkTokens(this.name, shape)];
  }
}

/**
 * An {@link SGLFormerReadout} (doi 10.3389/fnins.2024.1371290): `[batch, time, tokens, channels]` or `[batch, time,
 * height, width, channels]` -> `[batch, channels]`.
 *
 * @throws if an option is unknown or invalid
 */
export const sglFormerReadout = (config?: LayerArgs) => new SGLFormerReadout(config);

register(SGLFormerReadout);
