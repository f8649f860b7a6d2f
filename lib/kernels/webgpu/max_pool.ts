/** Max pooling on webgpu as in PyTorch: NaN wins, and the gradient goes to the first maximum. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { WebGPUBackend } from '../../tfjs_internals';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../max_pool';
import { poolUniforms, type StockPoolAttrs, stockAttrs } from '../stock_pool';
import { compute, kernel } from './backend';

const TAKES = `
  fn takes(x : f32, best : f32) -> bool {
    return x > best || (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
  }`;

/** For window (i, j), sets `at` to the position in x of the winner. */
const WINNER = `
  let r0 = max(i * uniforms.strideHeight - uniforms.top, 0);
  let r1 = min(i * uniforms.strideHeight - uniforms.top + uniforms.filterHeight, uniforms.height);
  let s0 = max(j * uniforms.strideWidth - uniforms.left, 0);
  let s1 = min(j * uniforms.strideWidth - uniforms.left + uniforms.filterWidth, uniforms.width);
  var at = (base + r0 * uniforms.width + s0) * uniforms.channels + c;
  for (var r = r0; r < r1; r++) {
    for (var s = s0; s < s1; s++) {
      let here = (base + r * uniforms.width + s) * uniforms.channels + c;
      if (takes(x[here], x[at])) { at = here; }
    }
  }`;

/** y, one thread per number. */
function maxPool(x: TensorInfo, backend: WebGPUBackend, attrs: StockPoolAttrs): TensorInfo {
  const ints = poolUniforms(x.shape, attrs);
  const outputShape = [x.shape[0]!, ints.outHeight, ints.outWidth, ints.channels];
  return compute(backend, {
    key: 'first_max_pool',
    inputs: { x },
    outputShape,
    threads: outputShape.reduce((a, b) => a * b, 1),
    ints,
    functions: TAKES,
    body: `
      let c = index % uniforms.channels;
      let j = (index / uniforms.channels) % uniforms.outWidth;
      let i = (index / (uniforms.channels * uniforms.outWidth)) % uniforms.outHeight;
      let image = index / (uniforms.channels * uniforms.outWidth * uniforms.outHeight);
      let base = image * uniforms.height * uniforms.width;
      ${WINNER}
      result[index] = x[at];`,
  });
}

/**
 * dx, one thread per pixel and channel: it tests for every window that contains it whether it is the first maximum
 * there, and adds up the dy of those windows.
 */
function maxPoolGrad(
  dy: TensorInfo,
  x: TensorInfo,
  backend: WebGPUBackend,
  attrs: StockPoolAttrs,
): TensorInfo {
  return compute(backend, {
    key: 'first_max_pool_grad',
    inputs: { x, dy },
    outputShape: x.shape,
    threads: x.shape.reduce((a, b) => a * b, 1),
    ints: poolUniforms(x.shape, attrs),
    functions: TAKES,
    body: `
      let c = index % uniforms.channels;
      let column = (index / uniforms.channels) % uniforms.width;
      let row = (index / (uniforms.channels * uniforms.width)) % uniforms.height;
      let image = index / (uniforms.channels * uniforms.width * uniforms.height);
      let base = image * uniforms.height * uniforms.width;
      let lastI = min((row + uniforms.top) / uniforms.strideHeight, uniforms.outHeight - 1);
      let lastJ = min((column + uniforms.left) / uniforms.strideWidth, uniforms.outWidth - 1);
      let firstI = max((row + uniforms.top - uniforms.filterHeight + uniforms.strideHeight) / uniforms.strideHeight, 0);
      let firstJ = max((column + uniforms.left - uniforms.filterWidth + uniforms.strideWidth) / uniforms.strideWidth, 0);
      var sum = 0.0;
      for (var i = firstI; i <= lastI; i++) {
        for (var j = firstJ; j <= lastJ; j++) {
          ${WINNER}
          if (at == index) {
            sum += dy[((image * uniforms.outHeight + i) * uniforms.outWidth + j) * uniforms.channels + c];
          }
        }
      }
      result[index] = sum;`,
  });
}

export const maxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, ({ x }, backend, attrs) =>
    maxPool(x, backend, stockAttrs(attrs)),
  ),
  kernel<{ dy: TensorInfo; x: TensorInfo }, MaxPoolAttrs>(
    FirstMaxPoolGrad,
    ({ dy, x }, backend, attrs) => maxPoolGrad(dy, x, backend, stockAttrs(attrs)),
  ),
];

/** tfjs's kernel prefers the last maximum. */
export const maxPoolGradOverride: KernelConfig = kernel<
  { dy: TensorInfo; input: TensorInfo },
  StockPoolAttrs
>('MaxPoolGrad', ({ dy, input }, backend, attrs) => maxPoolGrad(dy, input, backend, attrs));
