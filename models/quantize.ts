/**
 * A network's weights in 8 or 16 bits for inference, in tfjs's own model format: `tf.loadLayersModel` reads them
 * anywhere. What makes 8 bits per channel possible in it, with one scale per weight, is the batch norm behind a kernel:
 * BN(x W) = BN'(x W / s), if the running statistics of BN' are those of x W / s, and W / s is whole numbers.
 */
import * as tf from '@tensorflow/tfjs';
import type { ReadWeight, StoresWeights } from '../layers/stored_weights';
import {
  asFloats,
  equalSteps,
  halfFloats,
  LARGEST_HALF,
  type StoredWeight,
  type WeightFormat,
  weightFormats,
} from '../lib/quantize';
import { checkOneOf, invalid } from '../lib/validate';

/** What became of one weight. */
export interface QuantizedWeight {
  /** Its name in the file. */
  name: string;
  /** The class of the layer that it belongs to, as 'ConvBN'. */
  layer: string;
  format: StoredWeight['format'];
  /** Bytes in the file. */
  bytes: number;
  /** The largest magnitude of its numbers before. */
  largest: number;
  /** The largest difference of a number from what it was before. */
  error: number;
}

/** A model with weights of fewer bits, ready to be saved, and what became of each weight. */
export interface QuantizedModel {
  /** For any tf.io handler's `save`, or for `tf.io.fromMemory`. */
  artifacts: tf.io.ModelArtifacts;
  weights: QuantizedWeight[];
}

/** The parts of a layer, or of a model inside a model, that this file uses. */
type Owner = tf.layers.Layer &
  Partial<StoresWeights> & { sublayers?: tf.layers.Layer[]; layers?: tf.layers.Layer[] };

/** Layers, each before those inside it. */
function* withInner(layers: readonly tf.layers.Layer[]): Generator<Owner> {
  for (const layer of layers as readonly Owner[]) {
    yield layer;
    yield* withInner(layer.sublayers ?? layer.layers ?? []);
  }
}

/** What `model.save` would write. */
async function artifactsOf(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
    }),
  );
  return artifacts;
}

function checkFinite(name: string, numbers: ArrayLike<number>): void {
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isFinite(numbers[i])) {
      throw invalid(`weight '${name}'`, 'of finite numbers', numbers[i]);
    }
  }
}

const largestOf = (numbers: Float32Array) =>
  numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);

/** How weights are stored of which their layer knows nothing better: vectors, such as norms and biases, as they are. */
function storedByShape(rank: number, numbers: Float32Array, to: WeightFormat): StoredWeight {
  if (rank < 2) return asFloats(numbers);
  return to === 'int8' ? equalSteps(numbers) : halfFloats(numbers);
}

function concatenated(parts: readonly ArrayBufferView[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    all.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return all.buffer;
}

/** The numbers of its float32 weights. @throws if one is not finite */
async function numbersOf(model: tf.LayersModel): Promise<Map<tf.LayerVariable, Float32Array>> {
  const numbers = new Map<tf.LayerVariable, Float32Array>();
  for (const weight of model.weights) {
    if (weight.dtype !== 'float32') continue;
    const values = (await weight.read().data()) as Float32Array;
    checkFinite(weight.originalName, values);
    numbers.set(weight, values);
  }
  return numbers;
}

/** A weight, `largest` its largest magnitude, as its layer has it stored, or by its shape. */
function formOf(
  { originalName: name, shape }: tf.LayerVariable,
  numbers: Float32Array,
  largest: number,
  own: StoredWeight | undefined,
  to: WeightFormat,
): StoredWeight {
  const form = own ?? storedByShape(shape.length, numbers, to);
  if (form.format === 'float16' && largest > LARGEST_HALF) {
    throw invalid(`weight '${name}'`, `from -${LARGEST_HALF} to ${LARGEST_HALF}`, largest);
  }
  checkFinite(name, form.data);
  return form;
}

/**
 * The model with its kernels and embeddings in int8 or float16, as files hold it; `model` is unchanged.
 *
 * int8: a kernel with a batch norm behind it (ConvBN, LinearBN, DepthwiseConvBN) has its own scale for each output
 * channel, which the running statistics take over; it moves by half a step at most, 1/254 of the channel's largest
 * weight. Other matrices have one scale each. float16: 10 bits of fraction. Biases, norms, time constants stay float32,
 * and thresholds and spikes are what they were. An embedding whose signs alone matter keeps them all. The loaded model
 * computes in float32, so it takes as much memory as before and is as fast. Fuse batch norms after loading, not before.
 *
 * ```ts
 * const { artifacts, weights } = await spiking.models.quantize(model, 'int8');
 * await fileHandler('./small').save!(artifacts);
 * const small = await tf.loadLayersModel(fileHandler('./small'));
 * ```
 *
 * @throws if a weight is not finite, exceeds float16's 65504, or, for int8, if batch norms are fused
 */
export async function quantize(model: tf.LayersModel, to: WeightFormat): Promise<QuantizedModel> {
  if (!Array.isArray(model?.layers)) throw invalid('model', 'a tf.LayersModel', model);
  checkOneOf('to', to, weightFormats);
  const artifacts = await artifactsOf(model);
  const numbers = await numbersOf(model);
  const read: ReadWeight = (weight) => numbers.get(weight)!;
  const classes = new Map<tf.LayerVariable, string>();
  const own = new Map<tf.LayerVariable, StoredWeight>();
  for (const layer of withInner(model.layers)) {
    for (const weight of layer.weights) classes.set(weight, layer.getClassName());
    for (const [weight, form] of layer.storedWeights?.(to, read) ?? []) own.set(weight, form);
  }

  const weights: QuantizedWeight[] = [];
  const weightSpecs: tf.io.WeightsManifestEntry[] = [];
  const parts: ArrayBufferView[] = [];
  for (const weight of model.weights) {
    const { originalName: name, shape, dtype } = weight;
    const spec = { name, shape, dtype } as tf.io.WeightsManifestEntry;
    const values = numbers.get(weight);
    if (!values) {
      weightSpecs.push(spec);
      parts.push(await weight.read().data());
      continue;
    }
    const largest = largestOf(values);
    const form = formOf(weight, values, largest, own.get(weight), to);
    const { data, quantization, format, error } = form;
    weightSpecs.push({ ...spec, ...(quantization && { quantization }) });
    parts.push(data);
    const layer = classes.get(weight)!;
    weights.push({ name, layer, format, bytes: data.byteLength, largest, error });
  }
  return { artifacts: { ...artifacts, weightSpecs, weightData: concatenated(parts) }, weights };
}
