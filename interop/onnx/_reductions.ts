/** Kernels that take many numbers together: pools, sums, means, softmax. */
import { backend_util, util } from '@tensorflow/tfjs';
import type { Graph, Value } from './_graph';
import { windowOf, withChannelsFirst } from './_maps';
import type { Translation } from './_recorder';

type Sizes4 = [number, number, number, number];

function pooled(
  graph: Graph,
  opType: string,
  x: Value,
  [rows, columns]: readonly [number, number],
  attributes: ReturnType<typeof windowOf>,
): Value {
  const [batch, , , channels] = x.shape as Sizes4;
  return withChannelsFirst(graph, x, (first) =>
    graph.node(opType, [first], [batch, channels, rows, columns], x.dtype, attributes),
  );
}

const pool =
  (opType: string): Translation =>
  (graph, { x }, attrs) => {
    const { filterSize, strides, pad, dimRoundingMode } = attrs as Record<string, never>;
    const info = backend_util.computePool2DInfo(
      x!.shape as Sizes4,
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    return pooled(graph, opType, x!, [info.outHeight, info.outWidth], windowOf(info));
  };

/** This library's own, with PyTorch's padding. */
const firstMaxPool: Translation = (graph, { x }, attrs) => {
  const { poolSize, strides, padding } = attrs as Record<string, number> as {
    poolSize: number;
    strides: number;
    padding: number;
  };
  const side = (n: number) => Math.floor((n + 2 * padding - poolSize) / strides) + 1;
  const [, height, width] = x!.shape as Sizes4;
  return pooled(graph, 'MaxPool', x!, [side(height), side(width)], {
    kernel_shape: [poolSize, poolSize],
    strides: [strides, strides],
    pads: [padding, padding, padding, padding],
  });
};

type ReduceAttrs = {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
};

const reduce =
  (opType: string): Translation =>
  (graph, { x: value }, attrs) => {
    const x = graph.full(value!);
    const { axis, reductionIndices = axis, keepDims = false } = attrs as ReduceAttrs;
    const axes = util.parseAxisParam(reductionIndices!, x.shape);
    if (axes.some((one) => graph.grows(x.shape[one]!))) {
      throw new Error('it takes samples of the batch together: set batchSize');
    }
    const [out] = backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = keepDims ? backend_util.expandShapeToKeepDim(out, axes) : out;
    const keepdims = keepDims ? 1 : 0;
    // In this opset the axes are an input of ReduceSum, and an attribute of all others.
    return opType === 'ReduceSum'
      ? graph.node(opType, [x, graph.ints(axes)], shape, x.dtype, { keepdims })
      : graph.node(opType, [x], shape, x.dtype, { axes, keepdims });
  };

const softmax =
  (opType: string): Translation =>
  (graph, inputs, { dim, axis = dim }) => {
    const x = graph.full((inputs.logits ?? inputs.x)!);
    return graph.node(opType, [x], x.shape, x.dtype, { axis: axis as number });
  };

export const reductions: Readonly<Record<string, Translation>> = {
  AvgPool: pool('AveragePool'),
  FirstMaxPool: firstMaxPool,
  LogSoftmax: softmax('LogSoftmax'),
  Max: reduce('ReduceMax'),
  MaxPool: pool('MaxPool'),
  Mean: reduce('ReduceMean'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  Softmax: softmax('Softmax'),
  Sum: reduce('ReduceSum'),
};
