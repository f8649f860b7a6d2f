/** Kernels that go number by number, with broadcasting: most are one ONNX operator. */

import type { DataType } from '@tensorflow/tfjs';
import { backend_util } from '@tensorflow/tfjs';
import type { AttributeValue } from './_format';
import { dataTypes } from './_format';
import { dtypeOf, type Graph, sameShape, type Value } from './_graph';
import type { Translation } from './_recorder';

/** An operator over inputs that it broadcasts; constants are enlarged if it would not come to tfjs's shape. */
export function apply(
  graph: Graph,
  opType: string,
  values: readonly Value[],
  dtype: DataType = values[0]!.dtype,
  attributes: Record<string, AttributeValue> = {},
): Value {
  const broadcast = (shapes: number[][]) =>
    shapes.reduce((a, b) => backend_util.assertAndGetBroadcastShape(a, b));
  const shape = broadcast(values.map((value) => value.shape));
  const stored = broadcast(values.map((value) => value.constant?.shape ?? value.shape));
  const inputs = sameShape(shape, stored) ? values : values.map((value) => graph.full(value));
  return graph.node(opType, inputs, shape, dtype, attributes);
}

const to =
  (opType: string, dtype?: DataType): Translation =>
  (graph, inputs) =>
    apply(graph, opType, Object.values(inputs), dtype);

/** A number beside x, of its type. */
export function scalar(graph: Graph, value: number, dtype: DataType = 'float32'): Value {
  const data = dtype === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
  return graph.constant(data, [], dtype);
}

const binary = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
  Pow: 'Pow',
  LogicalAnd: 'And',
  LogicalOr: 'Or',
};

const comparisons = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
};

const unary = {
  Abs: 'Abs',
  Neg: 'Neg',
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Floor: 'Floor',
  Ceil: 'Ceil',
  Round: 'Round',
  Sign: 'Sign',
  Sin: 'Sin',
  Cos: 'Cos',
  Erf: 'Erf',
  Tanh: 'Tanh',
  Sigmoid: 'Sigmoid',
  Softplus: 'Softplus',
  Relu: 'Relu',
  Elu: 'Elu',
  Selu: 'Selu',
  Reciprocal: 'Reciprocal',
  LogicalNot: 'Not',
};

const all = (names: Record<string, string>, dtype?: DataType) =>
  Object.fromEntries(Object.entries(names).map(([name, opType]) => [name, to(opType, dtype)]));

/** What a fused kernel does to its result: the name is tfjs's. */
export function activate(graph: Graph, x: Value, name: string, alpha?: number): Value {
  switch (name) {
    case 'linear':
      return x;
    case 'relu':
    case 'elu':
    case 'sigmoid':
      return apply(graph, `${name[0]!.toUpperCase()}${name.slice(1)}`, [x]);
    case 'relu6':
      return apply(graph, 'Min', [apply(graph, 'Relu', [x]), scalar(graph, 6)]);
    case 'leakyrelu':
      return apply(graph, 'LeakyRelu', [x], x.dtype, { alpha: { float: alpha! } });
    default:
      throw new Error(`its activation '${name}' has no ONNX form here`);
  }
}

const cast: Translation = (graph, { x }, { dtype }) => {
  const type = dtype as DataType;
  return apply(graph, 'Cast', [x!], type, { to: dataTypes[dtypeOf(type)] });
};

export const elementwise: Readonly<Record<string, Translation>> = {
  ...all(binary),
  ...all(comparisons, 'bool'),
  ...all(unary),
  AddN: (graph, inputs) => Object.values(inputs).reduce((a, b) => apply(graph, 'Add', [a, b])),
  Cast: cast,
  ClipByValue: (graph, { x }, { clipValueMin, clipValueMax }) => {
    const least = apply(graph, 'Max', [x!, scalar(graph, clipValueMin as number, x!.dtype)]);
    return apply(graph, 'Min', [least, scalar(graph, clipValueMax as number, x!.dtype)]);
  },
  Identity: (_, { x }) => x!,
  IsNan: to('IsNaN', 'bool'),
  LeakyRelu: (graph, { x }, { alpha }) => activate(graph, x!, 'leakyrelu', alpha as number),
  NotEqual: (graph, inputs) =>
    apply(graph, 'Not', [apply(graph, 'Equal', Object.values(inputs), 'bool')]),
  Relu6: (graph, { x }) => activate(graph, x!, 'relu6'),
  Rsqrt: (graph, { x }) => apply(graph, 'Reciprocal', [apply(graph, 'Sqrt', [x!])]),
  Select: (graph, { condition, t, e }) => apply(graph, 'Where', [condition!, t!, e!], t!.dtype),
  Square: (graph, { x }) => apply(graph, 'Mul', [x!, x!]),
  SquaredDifference: (graph, { a, b }) => {
    const difference = apply(graph, 'Sub', [a!, b!]);
    return apply(graph, 'Mul', [difference, difference]);
  },
};
