/** Networks to NIR files, for neuromorphic simulators and chips (Pedersen et al., Nature Communications 2024). */
import * as tf from '@tensorflow/tfjs';
import { checkKeys, checkPositive, invalid } from '../../lib/validate';
import { type Hdf5, type Tree, writeHdf5 } from './_hdf5';
import { channelsFirst } from './_parameters';
import type { NirRecurrent } from './_recurrent';
import { type Pending, writeLayer } from './_write_nodes';
import { NirError } from './nir_error';
import { resolveOptions } from './options';

/** Options of `writeNir`. */
export interface NirWriteOptions {
  /** Time per step: time constants are written in its unit, seconds as a rule. Default 1e-4. */
  dt?: number;
  /** The module h5wasm; in bundles and from CommonJS it must be given: `await import('h5wasm')`. */
  h5wasm?: Hdf5;
}

/** What a layer's output is: the nodes whose sum it is, and what is left to do to it. */
interface Output {
  nodes: string[];
  pending: Pending;
}

/** The graph of a file in the making. */
class Writer {
  readonly nodes: Record<string, Tree> = {};
  private readonly edges: string[] = [];

  constructor(private readonly dt: number) {}

  add(name: string, node: Tree, from: readonly string[]): void {
    if (name in this.nodes || name.includes('/') || name === '.') {
      throw new NirError(`A node's name must be its own, without /, but got ${name}`);
    }
    this.nodes[name] = node;
    for (const one of from) this.edges.push(one, name);
  }

  /** Adds what a layer becomes, and those inside of it. */
  layer(layer: tf.layers.Layer, shape: number[], input: Output, name = layer.name): Output {
    const { sublayers = [] } = layer as { sublayers?: tf.layers.Layer[] };
    const className = layer.getClassName();
    if (className === 'NirRecurrent') return this.loop(layer as NirRecurrent, shape, input);
    if (className === 'Chain') return this.chain(sublayers, shape, input, name);
    if (className === 'FoldTime') return this.layer(sublayers[0]!, shape, input, name);
    const { node, pending = {} } = writeLayer(layer, shape, this.dt, input.pending);
    if (!node) return { nodes: input.nodes, pending };
    this.add(name, node, input.nodes);
    return { nodes: [name], pending };
  }

  /** Nodes 'chain.layer', or of a single one 'chain'. */
  private chain(
    layers: readonly tf.layers.Layer[],
    shape: number[],
    input: Output,
    name: string,
  ): Output {
    const nodes = layers.filter((layer) => layer.getClassName() !== 'NirPadding');
    let sizes = shape;
    return layers.reduce((output, layer) => {
      const next = this.layer(
        layer,
        sizes,
        output,
        nodes.length === 1 ? name : `${name}.${layer.name}`,
      );
      sizes = (layer.computeOutputShape([null, null, ...sizes]) as tf.Shape).slice(2) as number[];
      return next;
    }, input);
  }

  private loop({ neuron, path }: NirRecurrent, shape: number[], input: Output): Output {
    const output = this.layer(neuron, shape, input);
    const back = this.chain(
      path,
      shape,
      output,
      path.length === 1 ? path[0]!.name : `${neuron.name}_back`,
    );
    for (const node of back.nodes) this.edges.push(node, neuron.name);
    return output;
  }

  tree(): Tree {
    const dt = { shape: [], data: Float64Array.of(this.dt), dtype: 'float64' as const };
    const { nodes, edges } = this;
    return { version: '1.0', node: { type: 'NIRGraph', nodes, edges, metadata: { dt } } };
  }
}

/** A shape without batch and time, of known sizes. */
function sizesOf({ shape, name }: tf.SymbolicTensor): number[] {
  const sizes = shape.slice(2);
  if (sizes.length === 0 || sizes.some((n) => n === null)) {
    throw new NirError(
      `Shapes in a model for NIR must be [batch, time, ...] of known sizes, but ${name} is [${shape}]`,
    );
  }
  return sizes as number[];
}

const shapeOf = (x: tf.SymbolicTensor) => {
  const data = Float64Array.from(channelsFirst(sizesOf(x)));
  return { shape: [data.length], data, dtype: 'int64' as const };
};

function treeOf(model: tf.LayersModel, dt: number): Tree {
  const writer = new Writer(dt);
  const outputs = new Map<tf.SymbolicTensor, Output>();
  for (const x of model.inputs) {
    const name = x.sourceLayer.name;
    writer.add(name, { type: 'Input', shape: shapeOf(x) }, []);
    outputs.set(x, { nodes: [name], pending: {} });
  }
  for (const layer of model.layers) {
    if (layer.getClassName() === 'InputLayer') continue;
    const inputs = [layer.input].flat();
    const sources = inputs.map((x) => outputs.get(x)!);
    const [source] = sources as [Output];
    if (layer.getClassName() === 'Add') {
      if (sources.some(({ pending }) => pending.padding || pending.flattened)) {
        throw new NirError(
          `Layer ${layer.name} (Add) cannot be written to NIR: what it adds is padded, or flattened with channels last`,
        );
      }
      outputs.set(layer.output as tf.SymbolicTensor, {
        nodes: sources.flatMap(({ nodes }) => nodes),
        pending: {},
      });
      continue;
    }
    if (inputs.length !== 1)
      throw new NirError(
        `Layer ${layer.name} (${layer.getClassName()}) cannot be written to NIR: it has ${inputs.length} inputs`,
      );
    outputs.set(
      layer.output as tf.SymbolicTensor,
      writer.layer(layer, sizesOf(inputs[0]!), source),
    );
  }
  for (const [i, x] of model.outputs.entries()) {
    const { nodes, pending } = outputs.get(x)!;
    if (pending.padding || pending.flattened) {
      throw new NirError(
        `Output ${x.name} cannot be written to NIR: it is padded, or flattened with channels last`,
      );
    }
    writer.add(
      model.outputs.length === 1 ? 'output' : `output${i + 1}`,
      { type: 'Output', shape: shapeOf(x) },
      nodes,
    );
  }
  return writer.tree();
}

/**
 * The bytes of a NIR file of a network `[batch, time, ...]` -> `[batch, time, ...]`: dense layers and convolutions,
 * stock ones in foldTime and those with batch norm, mean pools, flatten, IFNode, LIFNode and ParametricLIFNode, chains
 * and sums of these, and all that `readNir` reads. Channels come first, nodes are named as layers, and v_threshold is
 * the float32 below vThreshold, as NIR fires above it and not at it. How a spike resets the membrane, which NIR does
 * not say, is in the nodes' metadata, as is dt. Needs the package h5wasm.
 *
 * ```ts
 * await writeFile('net.nir', await spiking.interop.writeNir(model, { dt: 1e-3 }));
 * ```
 *
 * @throws NirError of a layer that NIR has no node for, naming it
 */
export async function writeNir(
  model: tf.LayersModel,
  options: NirWriteOptions = {},
): Promise<Uint8Array> {
  checkKeys('writeNir', options, ['dt', 'h5wasm']);
  const { dt } = resolveOptions(options);
  checkPositive('dt', dt);
  if (!Array.isArray(model?.layers) || !Array.isArray(model.inputs)) {
    throw invalid('model', 'a built tf.LayersModel', model);
  }
  await tf.ready();
  return writeHdf5(treeOf(model, dt), options.h5wasm);
}
