/**
 * A network for inference: every batch norm made one with the convolution or linear map before it, as
 * PyTorch's fuse_conv_bn_eval does to one pair.
 */
import * as tf from '@tensorflow/tfjs';
import type { KernelBN } from '../layers/kernel_bn';
import { invalid } from '../lib/validate';

/** A layer as far as it is looked into here. */
type Owner = tf.layers.Layer &
  Partial<Pick<KernelBN, 'fuse' | 'fusedWeights'>> & {
    sublayers?: tf.layers.Layer[];
  };

/** What tf.layers says of a model, and makes one of. */
interface ModelConfig extends tf.serialization.ConfigDict {
  layers: { className: string; config: tf.serialization.ConfigDict }[];
}
type ModelClass = tf.serialization.SerializableConstructor<tf.LayersModel> &
  Pick<typeof tf.LayersModel, 'fromConfig'>;

const isKernelBN = (layer: Owner) => layer.fusedWeights !== undefined;
const isFused = (layer: Owner) => layer.getConfig().fused === true;

/** Layers that `fuse` would change: those that have a ConvBN or LinearBN inside, or are one. */
function canFuse(layer: Owner): boolean {
  if (isKernelBN(layer)) return !isFused(layer);
  return layer.fuse !== undefined && layer.sublayers!.some(canFuse);
}

function copyWeights(from: Owner, to: Owner): void {
  if (isKernelBN(from) && !isFused(from)) {
    const weights = from.fusedWeights!();
    to.setWeights(weights);
    tf.dispose(weights);
    return;
  }
  for (const [i, layer] of from.sublayers?.entries() ?? []) copyWeights(layer, to.sublayers![i]!);
  const targets = ownWeights(to);
  for (const [i, weight] of ownWeights(from).entries()) targets[i]!.write(weight.read());
}

/** Those that are not of a layer inside. */
function ownWeights({ weights, sublayers = [] }: Owner): tf.LayerVariable[] {
  const inner = new Set(sublayers.flatMap((layer) => layer.weights));
  return weights.filter((weight) => !inner.has(weight));
}

function checkModel(model: tf.LayersModel): void {
  if (!Array.isArray(model?.layers)) throw invalid('model', 'a tf.LayersModel', model);
  const inner = model.layers.find((layer) => 'layers' in layer);
  if (inner) {
    throw invalid('model', 'made of layers; fuse a model inside of it by itself', inner.name);
  }
  if (!model.layers.some(canFuse)) {
    throw invalid(
      'model',
      'one with a batch norm to fuse: that of a ConvBN or LinearBN, alone or in another layer',
      `${model.name} with ${[...new Set(model.layers.map((layer) => layer.getClassName()))].join(', ')}`,
    );
  }
}

/**
 * A new model that computes what `model` does at inference, without the batch norms of its ConvBN and
 * LinearBN layers, those inside of others too: kernel' = kernel scale, bias' = beta - (mean - bias)
 * scale, scale = gamma / sqrt(variance + epsilon), from the running statistics. Its outputs are equal
 * but for rounding; it has fewer weights, is saved and loaded as any model, and refuses to be trained.
 * A batch norm layer of its own stays. Neurons' states are not taken over. Throws where there is
 * nothing to fuse; `model` is left as it is, and is the caller's to dispose of.
 *
 * ```ts
 * const fused = spiking.models.fuseBatchNorm(model);
 * await fused.save(fileHandler('fused'));
 * ```
 */
export function fuseBatchNorm(model: tf.LayersModel): tf.LayersModel {
  checkModel(model);
  const config = JSON.parse(JSON.stringify(model.getConfig())) as ModelConfig;
  const fusible = new Set(model.layers.filter(canFuse).map(({ name }) => name));
  for (const layer of config.layers) {
    if (fusible.has(layer.config.name as string)) layer.config.fused = true;
  }
  const modelClass = model.constructor as unknown as ModelClass;
  const fused = modelClass.fromConfig(modelClass, config);
  for (const layer of fused.layers) copyWeights(model.getLayer(layer.name), layer);
  return fused;
}
