/**
 * The native op for the gradient of a 3x3 convolution's input on tfjs-node: Winograd's F(4 x 4, 3 x 3) (arXiv
 * 1509.09308), a quarter of the products. It rounds about as a direct sum does, but in another order, so that forward
 * passes do not use it: a spike depends on the last bit.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import { hasCpuOps } from './native_ops';

/** With fewer channels or filters, the transforms take as long as the products that they save. */
const LEAST_CHANNELS = 16;
/** With more numbers of a filter's tap for each tile, the filter's transform does. */
const MOST_TAP_PER_TILE = 1024;

/**
 * Whether our op is faster than TensorFlow's.
 *
 * @param dyShape `[..., height, width, filters]`
 * @param filterShape `[height, width, channels, filters]`, of a convolution with stride 1 and padding 'same'
 */
export function isWorthWinograd(dyShape: number[], filterShape: number[]): boolean {
  const [filterHeight, filterWidth, channels = 0, filters = 0] = filterShape;
  if (filterHeight !== 3 || filterWidth !== 3) return false;
  const [height, width] = dyShape.slice(-3) as [number, number];
  const images = dyShape.slice(0, -3).reduce((a, b) => a * b, 1);
  const tiles = images * Math.ceil(height / 4) * Math.ceil(width / 4);
  const saved = (images * height * width * 9) / (36 * tiles);
  return (
    Math.min(channels, filters) >= LEAST_CHANNELS &&
    channels * filters <= MOST_TAP_PER_TILE * tiles &&
    saved >= 1.5
  );
}

/** dx of such a convolution; null if a number of it is not finite: direct sums then show where it comes from. */
export function winogradInputGradient(
  backend: TensorflowBackend,
  dy: TensorInfo,
  filter: TensorInfo,
): Tensor | null {
  if (!hasCpuOps()) return null;
  const op = 'SpikingformerWinogradInputGrad';
  const [dx, infinite] = backend.executeMultipleOutputs(op, [], [dy, filter], 2);
  return infinite!.size === 0 ? dx! : null;
}
