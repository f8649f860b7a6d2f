/** An ONNX graph in the making: nodes, constants and outputs, of which only what the outputs need is written. */
import type * as tf from '@tensorflow/tfjs';
import { type AttributeValue, attribute, type DataType, dataTypes, valueInfo } from './_format';

export type Data = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** What a tensor of the network is in the graph. */
export interface Value {
  name: string;
  /** As tfjs has it. */
  shape: number[];
  dtype: tf.DataType;
  /** Of a constant: its numbers, and their shape, which may be one that broadcasts to `shape`. */
  constant?: { data: Data; shape: number[] };
}

interface Node {
  opType: string;
  input: string[];
  /** Its name too. */
  output: string;
  attributes: Record<string, AttributeValue>;
}

export const dtypeOf = (dtype: tf.DataType): DataType => {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Error(`ONNX export must be of float32, int32 or bool tensors, but got ${dtype}`);
};

export const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: readonly number[], b: readonly number[]) => a.join() === b.join();

export class Graph {
  /** Where in the network the next node is: the names of layers. */
  readonly scope: string[] = [];
  private readonly nodes: Node[] = [];
  private readonly inputs: Value[] = [];
  private readonly outputs: Value[] = [];
  private readonly constants = new Map<string, { data: Data; shape: number[] }>();
  private readonly names = new Map<string, number>();
  private batchOutput?: string;

  /**
   * @param batch Samples per call; of a dynamic batch what stands for their number: a dimension that it divides grows
   * with the batch.
   */
  constructor(
    readonly batch: number,
    private readonly dynamic: boolean,
  ) {}

  /** Whether a dimension depends on the batch. */
  grows(n: number): boolean {
    return this.dynamic && n > 0 && n % this.batch === 0;
  }

  private unique(name: string): string {
    const count = (this.names.get(name) ?? 0) + 1;
    this.names.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  }

  private named(what: string): string {
    return this.unique([...this.scope, what].join('/'));
  }

  input(name: string, shape: number[], dtype: tf.DataType): Value {
    const value = { name: this.unique(name), shape, dtype };
    this.inputs.push(value);
    return value;
  }

  constant(data: Data, shape: number[], dtype: tf.DataType, name = this.named('constant')): Value {
    return { name: this.unique(name), shape, dtype, constant: { data, shape } };
  }

  /** The name of 64-bit whole numbers, as ONNX wants shapes, axes and the like; `shape` [] for one alone. */
  ints(values: readonly number[], shape: number[] = [values.length]): string {
    const name = `ints/${shape.length === 0 ? 'scalar' : 'list'}_${values.join('_')}`;
    this.constants.set(name, { data: BigInt64Array.from(values, BigInt), shape });
    return name;
  }

  /** A node of one output. A constant among the inputs becomes an initializer, of the shape that it is stored in. */
  node(
    opType: string,
    inputs: readonly (Value | string)[],
    shape: number[],
    dtype: tf.DataType,
    attributes: Record<string, AttributeValue> = {},
    name = this.named(opType),
  ): Value {
    const input = inputs.map((one) => (typeof one === 'string' ? one : this.nameOf(one)));
    this.nodes.push({ opType, input, output: name, attributes });
    return { name, shape, dtype };
  }

  private nameOf({ name, constant }: Value): string {
    if (constant) this.constants.set(name, constant);
    return name;
  }

  /** The value stored in the shape that tfjs takes it for. */
  full(value: Value): Value {
    const { constant, shape, dtype } = value;
    if (!constant || sameShape(constant.shape, shape)) return value;
    return this.node('Expand', [value, this.sizes(shape)], shape, dtype);
  }

  /** The name of a shape or of counts; what depends on the batch is computed of the first input's. */
  sizes(shape: readonly number[]): string {
    if (!shape.some((n) => this.grows(n))) return this.ints(shape);
    this.batchOutput ??= this.int('Gather', [this.int('Shape', [this.inputs[0]!]), this.ints([0])]);
    const parts = shape.map((n) =>
      this.grows(n)
        ? this.int('Mul', [this.batchOutput!, this.ints([n / this.batch])])
        : this.ints([n]),
    );
    return this.int('Concat', parts, { axis: 0 });
  }

  /** The name of a node's 64-bit whole numbers. */
  private int(
    opType: string,
    inputs: (Value | string)[],
    attributes?: Record<string, AttributeValue>,
  ) {
    return this.node(opType, inputs, [], 'int32', attributes).name;
  }

  /** Makes a value an output of that name; of name#2, name#3 and so on if there is one already. */
  output(name: string, value: Value): void {
    let free = name;
    for (let call = 2; this.names.has(free); call++) free = `${name}#${call}`;
    this.names.set(free, 1);
    const { shape, dtype } = value;
    this.outputs.push(this.node('Identity', [this.full(value)], shape, dtype, {}, free));
  }

  /** A GraphProto of what the outputs need. */
  toMessage(name: string): Record<string, unknown> {
    const needed = new Set(this.outputs.map((output) => output.name));
    const nodes: Record<string, unknown>[] = [];
    for (const { opType, input, output, attributes } of [...this.nodes].reverse()) {
      if (!needed.has(output)) continue;
      for (const one of input) needed.add(one);
      const all = Object.entries(attributes).map(([key, value]) => attribute(key, value));
      nodes.unshift({ opType, input, output: [output], name: output, attribute: all });
    }
    return {
      name,
      node: nodes,
      initializer: [...this.constants].flatMap(([key, { data, shape }]) =>
        needed.has(key) ? [tensor(key, data, shape)] : [],
      ),
      input: this.inputs.map((value) => this.info(value)),
      output: this.outputs.map((value) => this.info(value)),
    };
  }

  private info({ name, dtype, shape }: Value) {
    const dimensions = shape.map((n) => this.dimension(n));
    return valueInfo(name, dtypeOf(dtype), dimensions);
  }

  private dimension(n: number): number | string {
    if (!this.grows(n)) return n;
    const times = n / this.batch;
    return times === 1 ? 'batch' : `${times}*batch`;
  }
}

/** A TensorProto. */
function tensor(name: string, data: Data, shape: readonly number[]) {
  const { buffer, byteOffset, byteLength } = data;
  const rawData = new Uint8Array(buffer, byteOffset, byteLength);
  const type =
    data instanceof Float32Array
      ? 'float32'
      : data instanceof Int32Array
        ? 'int32'
        : data instanceof Uint8Array
          ? 'bool'
          : 'int64';
  return { dims: shape, dataType: dataTypes[type], name, rawData };
}
