/**
 * Convolutions and matrix products on tfjs-node whose input is mostly zero, as spikes are: by our ops, which skip the
 * zeros.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import { opAttrs } from './backend';
import { hasCpuOps } from './native_ops';

/** Above these shares of non-zeros, TensorFlow's dense products are faster: `npm run bench -- spike_products`. */
const DENSITY = { forward: 0.45, gradient: 0.35 };
/** Below this many multiplications, computing takes less time than counting zeros. */
const WORTH = 1 << 20;
/** With fewer output channels, most of a vector is empty. */
const CHANNELS = 32;

/**
 * Whether skipping the zeros of x is faster for a kernel of `size` with `outChannels` outputs, or for its gradient.
 * Never if the `other` factor, filter or dy, has an infinite or NaN number, which a zero would hide.
 */
export function isWorthSkipping(
  backend: TensorflowBackend,
  x: TensorInfo,
  outChannels: number,
  size: number,
  product: keyof typeof DENSITY,
  other: TensorInfo,
): boolean {
  if (outChannels < CHANNELS || x.dtype !== 'float32') return false;
  if (util.sizeFromShape(x.shape) * outChannels * size ** 2 < WORTH) return false;
  if (!hasCpuOps()) return false;
  const attrs = opAttrs(backend, { floats: { most: DENSITY[product] } });
  const [density] = backend.executeMultipleOutputs('SpikingformerDensity', attrs, [x, other], 1);
  const share = density!.dataSync()[0]!;
  density!.dispose();
  return share < DENSITY[product];
}

/**
 * x convolved with a filter `[size, size, channels, filters]`, or times a matrix `[channels, units]`; then times scale
 * plus shift, if they are given.
 */
export function skippingConv(
  backend: TensorflowBackend,
  x: TensorInfo,
  filter: TensorInfo,
  affine: TensorInfo[] = [],
): Tensor {
  return backend.executeMultipleOutputs(
    'SpikingformerSpikeConv',
    opAttrs(backend, { ints: { N: affine.length } }),
    [x, filter, ...affine],
    1,
  )[0]!;
}

/** The gradient of that filter or, for size 1 and two axes, of that matrix. */
export function skippingFilterGradient(
  backend: TensorflowBackend,
  x: TensorInfo,
  dy: TensorInfo,
  size: number,
): Tensor {
  const attrs = opAttrs(backend, { ints: { size } });
  return backend.executeMultipleOutputs('SpikingformerSpikeConvFilterGrad', attrs, [x, dy], 1)[0]!;
}
