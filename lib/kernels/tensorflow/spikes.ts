/**
 * The native ops for convolutions and matrix products on tfjs-node whose input is mostly zero, as spikes are: they skip
 * the zeros.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { gradientsInBfloat16 } from '../../gradient_precision';
import type { TensorflowBackend } from '../../tfjs_internals';
import { affineAmong, type ChannelAffine } from '../batch_norm_affine';
import type { SpikeConv2DLIFAttrs } from '../spike_conv_lif';
import type { SpikeConv2DPoolAttrs } from '../spike_conv_pool';
import { mayBeWorthSkipping as isLarge } from '../spike_product';
import { opAttrs } from './backend';
import { decayOf, neuronAttrs } from './multi_step_lif';
import { hasCpuOps, nativeOpsInUse, usesAvx512 } from './native_ops';
import { keptBits, mayStoreAsBits, spikeInput, storedAsBits } from './spike_storage';

/**
 * Above these shares of non-zeros, TensorFlow's dense products are faster: `npm run bench -- spike_products`. Its
 * gradients of filters gain more from AVX-512 than ours; with AMX our op takes spikes of any share.
 */
const DENSITY = { convolution: 0.55, product: 0.5, gradient: 0.5, gradientOnAvx512: 0.35 };

/** That share for a filter `[size, size, channels, filters]` or a matrix. */
const mostForward = ({ shape }: TensorInfo): number =>
  shape.length === 4 && shape[0]! > 1 ? DENSITY.convolution : DENSITY.product;

/** That share for the gradient of a filter. */
function mostInGradient(): number {
  const ops = nativeOpsInUse();
  return typeof ops !== 'string' && usesAvx512(ops) ? DENSITY.gradientOnAvx512 : DENSITY.gradient;
}

/** Whether our ops may be faster for a kernel of `size` with so many filters. */
export const mayBeWorthSkipping = (x: TensorInfo, filters: number, size: number): boolean =>
  isLarge(x, filters, size) && hasCpuOps();

/** The result of an op that returns nothing if a dense product is faster, or a factor is not finite. */
const unlessEmpty = (result: Tensor) => (result.size > 0 ? result : null);

/** The inputs of a kernel that takes an affine among them. */
export type ConvWithAffine = Record<'x' | 'filter', Tensor> & Record<string, Tensor>;

/** How our ops take an affine. */
function affineTensors(affine?: ChannelAffine): { tensors: Tensor[]; epsilon: number } {
  if (!affine) return { tensors: [], epsilon: 0 };
  if (!('norm' in affine)) return { tensors: [affine.scale, affine.shift], epsilon: 0 };
  const { gamma, beta, mean, variance, bias } = affine.norm;
  const tensors = [gamma, beta, mean, variance, ...(bias ? [bias] : [])];
  return { tensors, epsilon: affine.epsilon };
}

/** Options of `skippingConv`. */
interface Skipping {
  /** What is done to each channel of the output. */
  affine?: ChannelAffine;
  /** What is added to the output, of its shape. */
  addend?: TensorInfo;
  /** Whether to return spikes as bits. */
  keep?: boolean;
  /** The largest share of non-zeros. */
  most?: number;
}

/**
 * x convolved with a filter `[size, size, channels, filters]`, or times a matrix `[channels, filters]`; null if there
 * are too few zeros, or if the filter has an infinite or NaN number, which a zero would hide. And with `keep`, x as
 * bits if it is spikes, or null.
 */
export function skippingConv(
  backend: TensorflowBackend,
  x: TensorInfo,
  filter: TensorInfo,
  { affine, addend, keep = false, most = mostForward(filter) }: Skipping = {},
): { y: Tensor | null; words: Tensor | null } {
  const { input, bits, attrs } = spikeInput(backend, x);
  const { tensors, epsilon } = affineTensors(affine);
  const addends = addend ? [addend] : [];
  const more = opAttrs(backend, {
    ints: { A: tensors.length, N: addends.length },
    floats: { most, epsilon },
    bools: { keep },
  });
  const [y, words] = backend.executeMultipleOutputs(
    'SpikingformerSpikeConv',
    [...attrs, ...more],
    [input, filter, ...tensors, ...addends],
    2,
  );
  const kept = keep && bits ? keptBits(backend, bits) : unlessEmpty(words!);
  return { y: unlessEmpty(y!), words: kept };
}

/**
 * The spikes of the neurons behind such a convolution or product of spikes; null also if x holds other numbers, or if
 * the two would be faster one by one.
 */
export function skippingConvLIF(
  backend: TensorflowBackend,
  inputs: ConvWithAffine,
  { epsilon, ...neuron }: SpikeConv2DLIFAttrs,
  most: number = mostForward(inputs.filter),
): Tensor | null {
  const { x, filter, w } = inputs;
  const { tensors } = affineTensors(affineAmong(inputs, { epsilon }));
  const decays = decayOf(w);
  const filters = filter.shape.at(-1)!;
  const shape = [...x.shape.slice(0, -1), filters];
  const packed = mayStoreAsBits(shape, filters);
  const { input, attrs: inputAttrs } = spikeInput(backend, x);
  const given = [
    ...inputAttrs,
    ...opAttrs(backend, {
      ints: { A: tensors.length, N: decays.length },
      floats: { most, epsilon },
      bools: { packed },
    }),
    ...neuronAttrs(backend, neuron, false, decays.length > 0),
  ];
  const [spikes, words] = backend.executeMultipleOutputs(
    'SpikingformerSpikeConvLif',
    given,
    [input, filter, ...tensors, ...decays],
    2,
  );
  return words!.size > 0 ? storedAsBits(backend, words!, shape) : unlessEmpty(spikes!);
}

/** Such a convolution, pooled; null also if the two would be faster one by one. */
export function skippingConvPool(
  backend: TensorflowBackend,
  inputs: ConvWithAffine,
  { poolSize, strides, padding, epsilon }: SpikeConv2DPoolAttrs,
  most: number = mostForward(inputs.filter),
): Tensor | null {
  const { x, filter } = inputs;
  const { tensors } = affineTensors(affineAmong(inputs, { epsilon }));
  const { input, attrs } = spikeInput(backend, x);
  const more = opAttrs(backend, {
    ints: { A: tensors.length, pool_size: poolSize, strides, padding },
    floats: { most, epsilon },
  });
  const op = 'SpikingformerSpikeConvPool';
  const given = [input, filter, ...tensors];
  return unlessEmpty(backend.executeMultipleOutputs(op, [...attrs, ...more], given, 1)[0]!);
}

/**
 * The gradient of that filter, or of that matrix; null as in `skippingConv`.
 *
 * @param x float32, or its spikes as bits
 * @param dy `[..., height, width, filters]`
 * @param filterShape `[size, size, channels, filters]` or `[channels, filters]`
 */
export function skippingFilterGradient(
  backend: TensorflowBackend,
  x: TensorInfo,
  dy: TensorInfo,
  filterShape: number[],
  most: number = mostInGradient(),
): Tensor | null {
  const matrix = filterShape.length === 2;
  const [size, channels] = [matrix ? 1 : filterShape[0]!, filterShape.at(-2)!];
  const attrs = opAttrs(backend, {
    ints: { size, channels },
    floats: { most },
    bools: { matrix, rounded: gradientsInBfloat16() },
  });
  const op = x.dtype === 'int32' ? 'SpikeBitsFilterGrad' : 'SpikeConvFilterGrad';
  return unlessEmpty(backend.executeMultipleOutputs(`Spikingformer${op}`, attrs, [x, dy], 1)[0]!);
}

/** Spikes as bits, those of one tensor after the other's; null if one of them holds other numbers. */
export function packSpikes(backend: TensorflowBackend, x: TensorInfo[]): Tensor | null {
  const attrs = opAttrs(backend, { ints: { N: x.length } });
  return unlessEmpty(backend.executeMultipleOutputs('SpikingformerPackSpikes', attrs, x, 1)[0]!);
}
