/** Networks from NIR files, the exchange format of neuromorphic simulators and chips (Pedersen et al., Nature Communications 2024). */
import * as tf from '@tensorflow/tfjs';
import { asBytes } from '../byte_source';
import { build } from './_build';
import { buildNeuron, isNeuron } from './_build_neuron';
import { type NirGraph, type NirNode, parseGraph, wholeNumbers } from './_graph';
import { isNumbers, isTree, readHdf5, type Tree } from './_hdf5';
import { type Unit, unitsOf } from './_loops';
import type { NirNeuron } from './_neuron';
import { channelsLast } from './_parameters';
import { NirRecurrent } from './_recurrent';
import { NirError } from './nir_error';
import { type NirOptions, type ReadOptions, resolveOptions } from './options';

/** What the file says of itself if this library wrote it. */
function ownOptions(file: Tree): { dt?: number } {
  const metadata = isTree(file.node) ? file.node.metadata : undefined;
  const dt = isTree(metadata) ? metadata.dt : undefined;
  return isNumbers(dt) && dt.data[0]! > 0 ? { dt: dt.data[0] } : {};
}

/** Sizes beyond this are no network's. */
const MOST_NUMBERS = 2 ** 31;

function inputOf(node: NirNode): tf.SymbolicTensor {
  const { shape } = node.parameters;
  const rank = isNumbers(shape) ? shape.data.length : 0;
  const sizes = rank > 0 ? wholeNumbers(node, 'shape', rank) : [];
  const count = sizes.reduce((a, b) => a * b, 1);
  if (sizes.length < 1 || sizes.length > 3 || count < 1 || count > MOST_NUMBERS) {
    throw new NirError(
      `shape of node ${node.name} (Input) must be one to three positive sizes, but got [${sizes}]`,
    );
  }
  return tf.input({ name: node.name, shape: [null, ...channelsLast(sizes)] });
}

/** Applies a layer, whose weights then get their values. */
function applied(layer: tf.layers.Layer, weights: tf.Tensor[], x: tf.SymbolicTensor) {
  const y = layer.apply(x) as tf.SymbolicTensor;
  layer.setWeights(weights);
  tf.dispose(weights);
  return y;
}

const sizesOf = (x: tf.SymbolicTensor) => x.shape.slice(2) as number[];

/** What a neuron and the nodes that lead back to it give. */
function loop(graph: NirGraph, { name, path }: Unit, x: tf.SymbolicTensor, options: ReadOptions) {
  const neuron = buildNeuron(graph.nodes.get(name)!, sizesOf(x), options, true);
  let shape = sizesOf(x);
  const back = path.map((one) => {
    const built = build(graph.nodes.get(one)!, shape, options);
    const output = built.layer.computeOutputShape([null, null, ...shape]) as tf.Shape;
    shape = output.slice(2) as number[];
    return built;
  });
  if (shape.join() !== sizesOf(x).join()) {
    throw new NirError(
      `The loop of nodes ${[name, ...path].join(', ')} must come back in shape [${sizesOf(x)}], but comes in [${shape}]`,
    );
  }
  const layer = new NirRecurrent({
    name: `${name}_loop`,
    neuron: neuron.layer as NirNeuron,
    path: back.map((built) => built.layer),
  });
  return applied(
    layer,
    [neuron, ...back].flatMap(({ weights }) => weights),
    x,
  );
}

/** What goes into a unit: the sum of what leads there. */
function inputsOf({ name, from }: Unit, values: ReadonlyMap<string, tf.SymbolicTensor>) {
  const tensors = from.map((one) => values.get(one)!);
  const [first] = tensors;
  if (!first) throw new NirError(`Node ${name} must have an input, but no edge leads to it`);
  const other = tensors.find((x) => x.shape.join() !== first.shape.join());
  if (other) {
    throw new NirError(
      `What leads to node ${name} must be of one shape, but is of [${sizesOf(first)}] and [${sizesOf(other)}]`,
    );
  }
  if (tensors.length === 1) return first;
  return tf.layers.add({ name: `${name}_sum` }).apply(tensors) as tf.SymbolicTensor;
}

function modelOf(graph: NirGraph, options: ReadOptions): tf.LayersModel {
  const values = new Map<string, tf.SymbolicTensor>();
  const inputs: tf.SymbolicTensor[] = [];
  const outputs: tf.SymbolicTensor[] = [];
  for (const unit of unitsOf(graph, isNeuron)) {
    const node = graph.nodes.get(unit.name)!;
    if (node.type === 'Input') {
      inputs.push(inputOf(node));
      values.set(unit.name, inputs.at(-1)!);
      continue;
    }
    const x = inputsOf(unit, values);
    if (node.type === 'Output') {
      outputs.push(x);
    } else if (unit.path.length > 0) {
      values.set(unit.name, loop(graph, unit, x, options));
    } else {
      const { layer, weights } = build(node, sizesOf(x), options);
      values.set(unit.name, applied(layer, weights, x));
    }
  }
  if (inputs.length === 0 || outputs.length === 0) {
    throw new NirError(
      `A NIR graph must have inputs and outputs, but has ${inputs.length} and ${outputs.length}`,
    );
  }
  return tf.model({ inputs, outputs });
}

/**
 * The network in a NIR file: a tf.LayersModel from `[batch, time, ...]` to `[batch, time, ...]`, any number of time
 * steps, channels last where NIR has them first, layers named as its nodes. It reads Input, Output, Affine, Linear,
 * Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten, Threshold, Delay, I, IF, LI, LIF, CubaLI, CubaLIF, graphs in
 * graphs, sums where edges meet, and loops of one neuron, whose spikes come back a step later. Neurons fire at
 * v > v_threshold, as NIR has it. IF and I add r x at each step, whatever dt. Needs the package h5wasm.
 *
 * ```ts
 * const model = await spiking.interop.readNir(await readFile('net.nir'), { dt: 1e-4, reset: 'subtract' });
 * ```
 *
 * @throws NirError of what is no such file, naming the node and its type
 */
export async function readNir(
  bytes: Uint8Array | ArrayBuffer,
  options: NirOptions = {},
): Promise<tf.LayersModel> {
  resolveOptions(options);
  await tf.ready();
  const file = await readHdf5(asBytes(bytes), options.h5wasm);
  const graph = parseGraph(file);
  try {
    return modelOf(graph, resolveOptions(options, ownOptions(file)));
  } catch (error) {
    if (error instanceof NirError) throw error;
    throw new NirError(`The graph cannot be built: ${(error as Error).message}`, { cause: error });
  }
}
