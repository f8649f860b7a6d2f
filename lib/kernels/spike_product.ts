/** SpikeProduct: convolutions and linear maps of spikes in training. */
import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { isRecordingGradients } from '../tfjs_internals';
import { type KernelDefinition, runKernel, runKernelOrForm } from './kernel';

/**
 * A convolution, x `[..., height, width, channels]` by filter `[size, size, channels, filters]`, size odd, with stride
 * 1 and padding 'same'; or a matrix product, x `[..., channels]` by filter `[channels, filters]`. Attribute: keep.
 * Outputs: y, shaped as x but for its channels; with `keep`, what the gradient of the filter needs of x: spikes as
 * bits, int32, or x itself if it holds other numbers. Backends without this kernel run the stock operation, which keeps
 * x.
 */
export const SpikeProduct = 'SpikeProduct';

/**
 * The gradient of a SpikeProduct's filter. Inputs: dy; kept, as SpikeProduct returned it. Attribute: filterShape.
 * Output: of that shape.
 */
export const SpikeProductFilterGrad = 'SpikeProductFilterGrad';

/**
 * The gradient of its x, a dense product, of which no factor is spikes. Inputs: dy; filter. Output: shaped as x.
 * Backends without this kernel run the stock operation.
 */
export const SpikeProductInputGrad = 'SpikeProductInputGrad';

export interface SpikeProductInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  filter: TensorInfo;
}

export interface SpikeProductInputGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  filter: TensorInfo;
}

export interface SpikeProductAttrs {
  keep: boolean;
}

export interface SpikeProductFilterGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  kept: TensorInfo;
}

export interface SpikeProductFilterGradAttrs {
  filterShape: number[];
}

const conv = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };

/** x as images `[images, height, width, channels]` for a filter, as rows `[rows, channels]` for a matrix. */
export function folded(x: tf.Tensor, filterRank: number): tf.Tensor {
  if (x.rank === filterRank) return x;
  const inner = x.shape.slice(1 - filterRank);
  const outer = x.shape.slice(0, 1 - filterRank).reduce((a, b) => a * b, 1);
  return x.reshape([outer, ...inner]);
}

const shapedAs = (y: tf.Tensor, shape: number[]) =>
  y.rank === shape.length ? y : y.reshape(shape);

const withChannels = ({ shape }: TensorInfo, channels: number) => [...shape.slice(0, -1), channels];

/** The stock operation that SpikeProduct stands for. */
export function stockProduct(x: tf.Tensor, filter: tf.Tensor): tf.Tensor {
  const inputs = folded(x, filter.rank);
  const y =
    filter.rank === 2
      ? tf.matMul(inputs, filter)
      : tf.conv2d(inputs as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
  return shapedAs(y, withChannels(x, filter.shape.at(-1)!));
}

/** The gradient of that operation's filter. */
export function stockFilterGradient(x: tf.Tensor, dy: tf.Tensor, filterShape: number[]): tf.Tensor {
  const rank = filterShape.length;
  const [inputs, outputs] = [folded(x, rank), folded(dy, rank)];
  if (rank === 2) return tf.matMul(inputs, outputs, true);
  return runKernel(tf.Conv2DBackpropFilter, { x: inputs, dy: outputs }, { ...conv, filterShape });
}

/** The gradient of that operation's x. */
export function stockInputGradient(dy: tf.Tensor, filter: tf.Tensor): tf.Tensor {
  const outputs = folded(dy, filter.rank);
  const channels = filter.shape.at(-2)!;
  const dx =
    filter.rank === 2
      ? tf.matMul(outputs, filter, false, true)
      : runKernel<tf.Tensor>(
          tf.Conv2DBackpropInput,
          { dy: outputs, filter },
          { ...conv, inputShape: withChannels(outputs, channels) },
        );
  return shapedAs(dx, withChannels(dy, channels));
}

const once = {
  what: 'A product of spikes',
  why: 'it was computed outside the function to differentiate',
};

const inputGradient: KernelDefinition = {
  name: SpikeProductInputGrad,
  standsFor: ({ dy, filter }) => stockInputGradient(dy!, filter!),
  once,
};

const definition: KernelDefinition = {
  name: SpikeProduct,
  standsFor: ({ x, filter }) => stockProduct(x!, filter!),
  gradient: {
    inputsToSave: ['filter'],
    outputsToSave: [false, true],
    gradFunc: (dys, [filter, kept]) => {
      const dy = [dys].flat()[0]!;
      const filterShape = filter!.shape;
      return {
        x: () => runKernelOrForm<tf.Tensor>(inputGradient, { dy, filter: filter! }, {}),
        filter: () => runKernel(SpikeProductFilterGrad, { dy, kept: kept! }, { filterShape }),
      };
    },
  },
};

export const spikeProductDefinitions: KernelDefinition[] = [
  definition,
  inputGradient,
  { name: SpikeProductFilterGrad, once },
];

/** Below this many multiplications, computing takes less time than counting zeros. */
const WORTH = 1 << 20;
/** With fewer filters, most of a vector is empty. */
const FILTERS = 32;

/** Whether it may be faster to skip the zeros of x for so many filters of a size. */
export function mayBeWorthSkipping(x: TensorInfo, filters: number, size: number): boolean {
  if (filters < FILTERS || x.dtype !== 'float32') return false;
  return tf.util.sizeFromShape(x.shape) * size ** 2 * filters >= WORTH;
}

export function runSpikeProduct(x: tf.Tensor, filter: tf.Tensor): tf.Tensor {
  const [filters, size] = [filter.shape.at(-1)!, filter.rank === 2 ? 1 : filter.shape[0]!];
  if (!mayBeWorthSkipping(x, filters, size)) return stockProduct(x, filter);
  const attrs: SpikeProductAttrs = { keep: isRecordingGradients() };
  const [y] = [runKernelOrForm(definition, { x, filter }, attrs)].flat();
  return y!;
}
