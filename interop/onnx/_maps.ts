/** Kernels that multiply by weights, and matrix products. ONNX convolves channels first: layouts turn inside. */
import { backend_util } from '@tensorflow/tfjs';
import { activate, apply } from './_elementwise';
import type { Graph, Value } from './_graph';
import { reshape, transpose } from './_layout';
import type { Translation } from './_recorder';

const channelsFirst = [0, 3, 1, 2];
const channelsLast = [0, 2, 3, 1];

/** Runs `make` on images with channels first. */
export function withChannelsFirst(graph: Graph, x: Value, make: (x: Value) => Value): Value {
  return transpose(graph, make(transpose(graph, x, channelsFirst)), channelsLast);
}

/** The window of a convolution or pool as ONNX has it. */
export function windowOf({ padInfo, strideHeight, strideWidth, ...info }: backend_util.Conv2DInfo) {
  const { top, left, bottom, right } = padInfo;
  return {
    kernel_shape: [info.filterHeight, info.filterWidth],
    strides: [strideHeight, strideWidth],
    pads: [top, left, bottom, right],
  };
}

type Sizes4 = [number, number, number, number];

function checkChannelsLast(dataFormat: unknown): void {
  if (dataFormat !== undefined && dataFormat !== 'NHWC') {
    throw new Error(`its dataFormat must be channelsLast, but got ${dataFormat}`);
  }
}

/** The filter as ONNX has it, `[out, in / groups, height, width]`; computed here if it is a constant. */
function filterOf(graph: Graph, filter: Value): Value {
  return transpose(graph, filter, [3, 2, 0, 1]);
}

const convolve =
  (depthwise: boolean): Translation =>
  (graph, { x, input, filter }, attrs) => {
    const images = (x ?? input)!;
    checkChannelsLast(attrs.dataFormat);
    const { strides, pad, dimRoundingMode } = attrs as {
      strides: number;
      pad: 'same';
      dimRoundingMode: 'floor';
    };
    const dilations = (attrs.dilations ?? 1) as number;
    const [height, width, channels, out] = filter!.shape as Sizes4;
    const info = backend_util.computeConv2DInfo(
      images.shape as Sizes4,
      filter!.shape as Sizes4,
      strides,
      dilations,
      pad,
      dimRoundingMode,
      depthwise,
    );
    const groups = depthwise ? channels : 1;
    const kernel = depthwise
      ? reshape(graph, filter!, [height, width, 1, channels * out])
      : filter!;
    const attributes = {
      ...windowOf(info),
      dilations: [info.dilationHeight, info.dilationWidth],
      group: groups,
    };
    const [batch, rows, columns, depth] = info.outShape as Sizes4;
    return withChannelsFirst(graph, images, (first) =>
      graph.node(
        'Conv',
        [first, filterOf(graph, kernel)],
        [batch, depth, rows, columns],
        images.dtype,
        attributes,
      ),
    );
  };

/** Swaps the last two axes. */
function turned(graph: Graph, x: Value): Value {
  const rank = x.shape.length;
  return transpose(
    graph,
    x,
    [...x.shape.keys()].map((axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)),
  );
}

const matMul: Translation = (graph, inputs, { transposeA, transposeB }) => {
  const a = transposeA ? turned(graph, inputs.a!) : graph.full(inputs.a!);
  const b = transposeB ? turned(graph, inputs.b!) : graph.full(inputs.b!);
  const outer = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return graph.node('MatMul', [a, b], [...outer, a.shape.at(-2)!, b.shape.at(-1)!], a.dtype);
};

/** A kernel with the bias and the activation that tfjs fuses with it. */
const fused =
  (map: Translation): Translation =>
  (graph, inputs, attrs) => {
    if (inputs.preluActivationWeights)
      throw new Error("its activation 'prelu' has no ONNX form here");
    const { bias } = inputs;
    const y = map(graph, inputs, attrs) as Value;
    const { activation, leakyreluAlpha } = attrs as { activation: string; leakyreluAlpha?: number };
    return activate(graph, bias ? apply(graph, 'Add', [y, bias]) : y, activation, leakyreluAlpha);
  };

/** tf.layers' batch norm at inference, as a factor and a term, in tfjs's order. */
const batchNorm: Translation = (
  graph,
  { x, scale, offset, mean, variance },
  { varianceEpsilon },
) => {
  const epsilon = graph.constant(Float32Array.of(varianceEpsilon as number), [], 'float32');
  const root = apply(graph, 'Sqrt', [apply(graph, 'Add', [variance!, epsilon])]);
  const centered = apply(graph, 'Div', [apply(graph, 'Sub', [x!, mean!]), root]);
  const scaled = scale ? apply(graph, 'Mul', [centered, scale]) : centered;
  return offset ? apply(graph, 'Add', [scaled, offset]) : scaled;
};

const conv2d = convolve(false);
const depthwiseConv2d = convolve(true);

export const maps: Readonly<Record<string, Translation>> = {
  _FusedMatMul: fused(matMul),
  BatchMatMul: matMul,
  Conv2D: conv2d,
  DepthwiseConv2dNative: depthwiseConv2d,
  FusedBatchNorm: batchNorm,
  FusedConv2D: fused(conv2d),
  FusedDepthwiseConv2D: fused(depthwiseConv2d),
};
