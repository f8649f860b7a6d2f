/** Networks as ONNX files for inference, in onnxruntime and whatever else reads them (github.com/onnx/onnx). */
import * as tf from '@tensorflow/tfjs';
import { withListener } from '../../layers/spikes';
import { VERSION } from '../../lib/shared';
import { checkBoolean, checkKeys, checkPositiveInteger, invalid } from '../../lib/validate';
import { elementwise } from './_elementwise';
import { encodeModel } from './_format';
import { Graph } from './_graph';
import { layout } from './_layout';
import { maps } from './_maps';
import { type Recording, record } from './_recorder';
import { reductions } from './_reductions';
import { withScopes } from './_scopes';

/** Options of `toOnnx`. */
export interface OnnxOptions {
  /** Whether every neuron layer's spikes are outputs too, named 'spikes/' and the layer's path, as in `observe`. Default false. */
  spikes?: boolean;
  /** Samples per call. Default null: any number. */
  batchSize?: number | null;
}

/** ONNX's version 1.12, of 2022: ReduceMean still has its axes as an attribute. */
const OPSET = 17;
const IR_VERSION = 8;

/** Protobuf's limit is 2^31 - 1 bytes; what is no weight takes less than this. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/** @internal Throws if weights of so many bytes fit no file. */
export function checkBytes(bytes: number): void {
  if (bytes > MOST_BYTES) {
    throw invalid(
      'The weights of an ONNX file',
      `of at most ${MOST_BYTES} bytes, as one file has less than 2 GiB`,
      bytes,
    );
  }
}

/** Numbers of which one stands for the batch: primes, as no product of other sizes then has it as a factor. */
const placeholders = [65521, 65519, 65497];

/** One that divides no size of weights, inputs and outputs. */
function placeholderFor({ weights, inputs, outputs }: tf.LayersModel): number {
  const sizes = [...weights, ...inputs, ...outputs].flatMap(({ shape }) => shape);
  return placeholders.find((prime) => sizes.every((n) => !n || n % prime !== 0))!;
}

function checkModel(model: tf.LayersModel): void {
  if (!Array.isArray(model?.layers) || !Array.isArray(model.inputs)) {
    throw invalid('model', 'a built tf.LayersModel', model);
  }
  const stateful = model.layers.find((layer) => layer.stateful);
  if (stateful) {
    throw invalid(
      'model',
      'without state, as an ONNX file keeps none between calls',
      stateful.name,
    );
  }
  checkBytes(4 * model.countParams());
}

/** The numbers of all weights, by what tfjs knows them by. */
async function readWeights(model: tf.LayersModel) {
  const read = model.weights.map(async (weight) => {
    const tensor = weight.read();
    return [
      tensor.dataId,
      { name: weight.originalName, data: await tensor.data<'float32'>() },
    ] as const;
  });
  return new Map<object, { name: string; data: Float32Array }>(await Promise.all(read));
}

/** Runs the model on what stands for its inputs; its outputs, and spikes if asked for, become the graph's. */
function runOnce(model: tf.LayersModel, graph: Graph, recording: Recording, spikes: boolean): void {
  const inputs = model.inputs.map(({ shape, dtype }, i) => {
    const [batch, ...rest] = shape.map((n, axis) => (axis === 0 ? (n ?? graph.batch) : n));
    if (rest.includes(null)) {
      throw invalid('model', 'a model whose input shapes are known except for the batch', shape);
    }
    return recording.input(model.inputNames[i]!, [batch!, ...(rest as number[])], dtype);
  });
  const onSpikes = (_: tf.layers.Layer, tensor: tf.Tensor) => {
    if (spikes) graph.output(`spikes/${graph.scope.join('/')}`, recording.lookUp(tensor));
  };
  const run = () => model.apply(inputs, { training: false }) as tf.Tensor | tf.Tensor[];
  const outputs = withListener({ spikes: onSpikes }, () => withScopes(model, graph.scope, run));
  for (const [i, output] of [outputs].flat().entries()) {
    graph.output(model.outputNames[i]!, recording.lookUp(output));
  }
}

/**
 * The bytes of an ONNX file (IR version 8, opset 17) that computes what `model` does at inference: inputs and outputs
 * have the same names and shapes, channels last, and equal values up to the rounding of sums. Batch norms are merged
 * into the weights before them; neurons are unrolled over their time steps. Layers, yours included, are exported by the
 * kernels that they call. An error names the layer if ONNX has no operator for its kernels, or if it has state between
 * calls. `model` and the current backend stay unchanged.
 *
 * ```ts
 * const bytes = await spiking.interop.toOnnx(model);
 * ```
 */
export async function toOnnx(
  model: tf.LayersModel,
  options: OnnxOptions = {},
): Promise<Uint8Array> {
  checkKeys('toOnnx', options, ['spikes', 'batchSize']);
  const { spikes = false, batchSize = null } = options;
  checkBoolean('spikes', spikes);
  if (batchSize !== null) checkPositiveInteger('batchSize', batchSize);
  checkModel(model);
  await tf.ready();
  const weights = await readWeights(model);
  const graph = new Graph(batchSize ?? placeholderFor(model), batchSize === null);
  const kernels = { ...elementwise, ...layout, ...maps, ...reductions };
  record(graph, kernels, weights, (recording) => runOnce(model, graph, recording, spikes));
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: 'tfjs-spikingformer',
    producerVersion: VERSION,
    graph: graph.toMessage(model.name),
    opsetImport: [{ domain: '', version: OPSET }],
  });
}
