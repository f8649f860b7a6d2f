/**
 * A network for inference: merges every batch norm into the convolution or linear map before it, as PyTorch's
 * fuse_conv_bn_eval does for one pair.
 */
import * as tf from '@tensorflow/tfjs';
import type { KernelBN } from '../layers/kernel_bn';
import { invalid } from '../lib/validate';

/** The parts of a layer that this file uses. */
type Owner = tf.layers.Layer &
  Partial<Pick<KernelBN, 'fuse' | 'fusedWeights'>> & {
    sublayers?: tf.layers.Layer[];
  };

/** The config that tf.layers writes of a model, and rebuilds it from. */
interface ModelConfig extends tf.serialization.ConfigDict {
  layers: { className: string; config: tf.serialization.ConfigDict }[];
}
type ModelClass = tf.serialization.SerializableConstructor<tf.LayersModel> &
  Pick<typeof tf.LayersModel, 'fromConfig'>;

const isKernelBN = (layer: Owner) => layer.fusedWeights !== undefined;
const isFused = (layer: Owner) => layer.getConfig().fused === true;

/** Layers that `fuse` would change: a ConvBN or LinearBN, or layers with one inside. */
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

/** The weights that do not belong to a layer inside. */
function ownWeights({ weights, sublayers = [] }: Owner): tf.LayerVariable[] {
  const inner = new Set(sublayers.flatMap((layer) => layer.weights));
  return weights.filter((weight) => !inner.has(weight));
}

function checkModel(model: tf.LayersModel): void {
  if (!Array.isArray(model?.layers)) throw invalid('model', 'a tf.LayersModel', model);
  const inner = model.layers.find((layer) => 'layers' in layer);
  if (inner) {
    throw invalid('model', 'made of layers only; fuse an inner model separately', inner.name);
  }
  if (!model.layers.some(canFuse)) {
    throw invalid(
      'model',
      'one with a batch norm to fuse, that of a ConvBN or LinearBN',
      `${model.name} with ${[...new Set(model.layers.map((layer) => layer.getClassName()))].join(', ')}`,
    );
  }
}

/**
 * A new model that computes what `model` does at inference, without the batch norms of its ConvBN and LinearBN layers,
 * nested ones included: kernel' = kernel scale, bias' = beta - (mean - bias) scale, scale = gamma / sqrt(variance +
 * epsilon), from the running statistics. Its outputs are equal up to rounding. It has fewer weights, saves and loads
 * like any model, and cannot be trained. Separate batch norm layers stay. Neuron states are not copied. `model` is
 * unchanged, and the caller disposes of it.
 *
 * ```ts
 * const fused = spiking.models.fuseBatchNorm(model);
 * await fused.save(fileHandler('fused'));
 * ```
 *
 * @throws if there is nothing to fuse
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
