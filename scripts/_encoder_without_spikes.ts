/** A SpikeBERT without spikes, to compare with: the same maps, norms and attention, rectifiers in the place of neurons, one time step. */
import * as tf from '@tensorflow/tfjs';
import { applyTo, CompositeLayer } from '../layers/composite';
import { normalKernel } from '../layers/initializers';
import { type CallArgs, type LayerArgs, oneShape, oneTensor } from '../layers/layer';
import { layerNorm } from '../layers/layer_norm';
import { LinearLN } from '../layers/linear_ln';
import { tokenMask } from '../layers/parts/token_mask';
import { tokenMean } from '../layers/token_mean';
import { multiHeadSpikingAttention } from '../lib/attention';
import { lookUp } from '../lib/embedding';
import { classifier } from '../models/spiking_transformer';

/** As of models.spikeBert. */
export interface EncoderSizes {
  inputShape: number[];
  numClasses: number;
  vocabSize: number;
  embedDim: number;
  depth: number;
  numHeads: number;
  mlpRatio: number;
  scale: number;
  padId: number;
}

/** Ids `[batch, tokens]` -> numbers `[batch, 1, tokens, embedDim]`. */
class Vectors extends tf.layers.Layer {
  static className = 'Vectors';
  private table!: tf.LayerVariable;

  constructor(
    args: LayerArgs,
    private readonly sizes: EncoderSizes,
  ) {
    super(args);
    this.supportsMasking = true;
  }

  override build(): void {
    const { vocabSize, embedDim } = this.sizes;
    this.table = this.addWeight('embeddings', [vocabSize, embedDim], 'float32', normalKernel(1));
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const table = this.table.read() as tf.Tensor2D;
      return lookUp(table, oneTensor(inputs).cast('int32')).expandDims(1);
    });
  }

  override computeMask(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => oneTensor(inputs).notEqual(this.sizes.padId));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, tokens = null] = oneShape(inputShape);
    return [batch, 1, tokens, this.sizes.embedDim];
  }
}

/** x + attention(x), then x + MLP(x). */
class Block extends CompositeLayer {
  static className = 'BlockWithoutSpikes';

  constructor(
    args: LayerArgs,
    private readonly sizes: EncoderSizes,
  ) {
    super(args, []);
    this.supportsMasking = true;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const { embedDim, mlpRatio } = this.sizes;
    const hidden = embedDim * mlpRatio;
    const widths = { q: embedDim, k: embedDim, v: embedDim, proj: embedDim, fc1: hidden };
    for (const [name, units] of Object.entries({ ...widths, fc2: embedDim })) {
      const width = name === 'fc2' ? hidden : embedDim;
      this.buildSublayer(this.own(new LinearLN({ name, units })), [
        ...inputShape.slice(0, -1),
        width,
      ]);
    }
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const [q, k, v, proj, fc1, fc2] = this.sublayers.map(
      (layer) => (y: tf.Tensor) => applyTo(layer, y, kwargs).relu(),
    );
    const mask = tokenMask(x, kwargs) ?? tf.scalar(1);
    const { numHeads, scale } = this.sizes;
    const heads = { numHeads, scale };
    const attended = multiHeadSpikingAttention(q!(x).mul(mask), k!(x).mul(mask), v!(x), heads);
    const between = x.add(proj!(attended));
    return between.add(fc2!(fc1!(between)));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/** Ids `[batch, tokens]` -> logits `[batch, numClasses]`; as many weights as the SpikeBERT that answers. */
export function encoderWithoutSpikes(sizes: EncoderSizes): tf.LayersModel {
  const layers = [
    new Vectors({ name: 'embedding' }, sizes),
    ...Array.from({ length: sizes.depth }, (_, i) => new Block({ name: `block${i + 1}` }, sizes)),
    layerNorm({ name: 'last_ln' }),
    tokenMean({ name: 'token_mean' }),
  ];
  return classifier(sizes, layers, { headFirst: true, dtype: 'int32' });
}
