/** Kernels that move numbers and compute none: shapes, axes, parts, copies. */
import { type DataType, slice_util } from '@tensorflow/tfjs';
import { scalar } from './_elementwise';
import { permuted } from './_fold';
import { type Graph, sameShape, sizeOf, type Value } from './_graph';
import type { Translation } from './_recorder';

/** The same numbers in another shape; of one dimension that grows with the batch ONNX finds the size. */
export function reshape(graph: Graph, x: Value, shape: number[]): Value {
  const { constant } = x;
  if (constant) {
    const isOne = sizeOf(constant.shape) === 1 && sizeOf(shape) !== 1;
    if (isOne) return { ...x, shape, constant: { ...constant, shape: [] } };
    if (sizeOf(constant.shape) === sizeOf(shape)) {
      return { ...graph.constant(constant.data, shape, x.dtype), shape };
    }
  }
  const sizes = shape.map((n) => (graph.grows(n) ? -1 : n));
  if (sizes.filter((n) => n < 0).length > 1) {
    throw new Error(`it reshapes to [${shape}], where two axes depend on the batch: set batchSize`);
  }
  return graph.node('Reshape', [graph.full(x), graph.ints(sizes)], shape, x.dtype);
}

export function transpose(graph: Graph, x: Value, perm: readonly number[]): Value {
  const shape = perm.map((axis) => x.shape[axis]!);
  const { constant } = x;
  if (constant && sameShape(constant.shape, x.shape)) {
    return graph.constant(permuted(constant.data, x.shape, perm), shape, x.dtype);
  }
  return graph.node('Transpose', [graph.full(x)], shape, x.dtype, { perm });
}

/** Values one after the other along an axis. */
export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  const [first] = values as [Value];
  const shape = [...first.shape];
  shape[axis] = values.reduce((sum, value) => sum + value.shape[axis]!, 0);
  if (values.length === 1) return first;
  const inputs = values.map((value) => graph.full(value));
  return graph.node('Concat', inputs, shape, first.dtype, { axis });
}

const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** Each step along an axis, without it. */
const unpack: Translation = (graph, { value }, attrs) => {
  const x = value!;
  const axis = positive(attrs.axis as number, x.shape.length);
  const count = x.shape[axis]!;
  if (graph.grows(count)) {
    throw new Error(
      'it goes step by step along an axis that depends on the batch, as neurons of projLifAxis ' +
        "'released' do: set batchSize",
    );
  }
  const shape = x.shape.filter((_, i) => i !== axis);
  const whole = graph.full(x);
  return Array.from({ length: count }, (_, i) =>
    graph.node('Gather', [whole, graph.ints([i], [])], shape, x.dtype, { axis }),
  );
};

const pack: Translation = (graph, inputs, attrs) => {
  const values = Object.values(inputs);
  const { shape } = values[0]!;
  const axis = positive(attrs.axis as number, shape.length + 1);
  const widened = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  const steps = values.map((value) => {
    const x = graph.full(value);
    return graph.node('Unsqueeze', [x, graph.ints([axis])], widened, x.dtype);
  });
  return concat(graph, steps, axis);
};

const slice: Translation = (graph, { x: value }, { begin, size }) => {
  const x = graph.full(value!);
  const [starts, sizes] = slice_util.parseSliceParams(
    { shape: x.shape } as never,
    begin as number[],
    size as number[],
  );
  const axes = x.shape.flatMap((n, axis) => (sizes[axis] === n ? [] : [axis]));
  if (axes.length === 0) return x;
  if (axes.some((axis) => graph.grows(x.shape[axis]!))) {
    throw new Error('it slices along the batch: set batchSize');
  }
  const from = axes.map((axis) => starts[axis]!);
  const to = axes.map((axis) => starts[axis]! + sizes[axis]!);
  const lists = [from, to, axes].map((list) => graph.ints(list));
  return graph.node('Slice', [x, ...lists], sizes, x.dtype);
};

const pad: Translation = (graph, { x }, { paddings, constantValue }) => {
  const sides = paddings as [number, number][];
  const shape = x!.shape.map((n, axis) => n + sides[axis]![0] + sides[axis]![1]);
  const pads = graph.ints([...sides.map(([before]) => before), ...sides.map(([, after]) => after)]);
  const value = scalar(graph, constantValue as number, x!.dtype);
  return graph.node('Pad', [graph.full(x!), pads, value], shape, x!.dtype);
};

const tile: Translation = (graph, { x }, attrs) => {
  const reps = attrs.reps as number[];
  const shape = x!.shape.map((n, axis) => n * reps[axis]!);
  return graph.node('Tile', [graph.full(x!), graph.sizes(reps)], shape, x!.dtype);
};

/** One number in every place. */
function filled(graph: Graph, value: number, shape: number[], dtype: DataType): Value {
  return { ...scalar(graph, value, dtype), shape };
}

const gather: Translation = (graph, { x, indices }, { axis, batchDims = 0 }) => {
  if (batchDims !== 0) throw new Error('it gathers with batchDims, which ONNX lacks');
  const at = positive(axis as number, x!.shape.length);
  const shape = [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)];
  const inputs = [graph.full(x!), graph.full(indices!)];
  return graph.node('Gather', inputs, shape, x!.dtype, { axis: at });
};

export const layout: Readonly<Record<string, Translation>> = {
  Concat: (graph, inputs, { axis }) => {
    const values = Object.values(inputs);
    return concat(graph, values, positive(axis as number, values[0]!.shape.length));
  },
  ExpandDims: (graph, { input }, { dim }) => {
    const { shape } = input!;
    const at = positive(dim as number, shape.length + 1);
    return reshape(graph, input!, [...shape.slice(0, at), 1, ...shape.slice(at)]);
  },
  Fill: (graph, _, { value, shape, dtype }) =>
    filled(graph, value as number, shape as number[], (dtype as DataType | undefined) ?? 'float32'),
  GatherV2: gather,
  OnesLike: (graph, { x }) => filled(graph, 1, x!.shape, x!.dtype),
  Pack: pack,
  PadV2: pad,
  Range: (graph, _, attrs) => {
    const { start, stop, step } = attrs as { start: number; stop: number; step: number };
    const count = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length: count }, (_, i) => start + i * step);
    const dtype = attrs.dtype as DataType;
    const data = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
    return graph.constant(data, [count], dtype);
  },
  Reshape: (graph, { x }, { shape }) => {
    const sizes = shape as number[];
    const rest = sizeOf(sizes.filter((n) => n !== -1));
    return reshape(
      graph,
      x!,
      sizes.map((n) => (n === -1 ? sizeOf(x!.shape) / rest : n)),
    );
  },
  Slice: slice,
  Tile: tile,
  Transpose: (graph, { x }, { perm }) => transpose(graph, x!, perm as number[]),
  Unpack: unpack,
  ZerosLike: (graph, { x }) => filled(graph, 0, x!.shape, x!.dtype),
};
