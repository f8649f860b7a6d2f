/** Max pooling on webgl as in PyTorch: NaN wins, and the gradient goes to the first maximum. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { WebGLBackend } from '../../tfjs_internals';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../max_pool';
import { poolUniforms, type StockPoolAttrs, stockAttrs } from '../stock_pool';
import { draw, gradientKernel, kernel, withUnpacked } from './backend';

/** `[batch, height, width, channels]` as `[batch * height, width, channels]`. */
function asLines(x: TensorInfo): TensorInfo {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  return { ...x, shape: [batch * height, width, channels] };
}

const TAKES = `
  bool takes(float x, float best) {
    return x > best || (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
  }`;

/** Window (i, j) as rows r0 to r1 and columns s0 to s1 of the image. */
const WINDOW = `
  int r0 = max(i * strideHeight - top, 0);
  int r1 = min(i * strideHeight - top + filterHeight, height);
  int s0 = max(j * strideWidth - left, 0);
  int s1 = min(j * strideWidth - left + filterWidth, width);`;

/** y, one fragment per number. */
function maxPool(given: TensorInfo, backend: WebGLBackend, attrs: StockPoolAttrs): TensorInfo {
  return withUnpacked(backend, { x: given }, ({ x }) => {
    const ints = poolUniforms(x.shape, attrs);
    const [batch, , , channels] = x.shape as [number, number, number, number];
    const { outHeight, outWidth } = ints;
    const { dataId, dtype } = draw(backend, {
      inputs: { x: asLines(x) },
      outputShape: [batch * outHeight, outWidth, channels],
      ints,
      functions: TAKES,
      body: `
        ivec3 at = getOutputCoords();
        int image = at.x / outHeight;
        int i = at.x % outHeight;
        int j = at.y;
        ${WINDOW}
        float best = getX(image * height + r0, s0, at.z);
        for (int r = r0; r < r1; r++) {
          for (int s = s0; s < s1; s++) {
            float here = getX(image * height + r, s, at.z);
            if (takes(here, best)) best = here;
          }
        }
        setOutput(best);`,
    });
    return { dataId, dtype, shape: [batch, outHeight, outWidth, channels] };
  });
}

/**
 * dx, one fragment per pixel and channel: it tests for every window that contains it whether it is the first maximum
 * there, and adds up the dy of those windows.
 */
function maxPoolGrad(
  inputs: { dy: TensorInfo; x: TensorInfo },
  backend: WebGLBackend,
  attrs: StockPoolAttrs,
): TensorInfo {
  return withUnpacked(backend, inputs, ({ dy, x }) => {
    const lines = asLines(x);
    const { dataId, dtype } = draw(backend, {
      inputs: { x: lines, dy: asLines(dy) },
      outputShape: lines.shape,
      ints: poolUniforms(x.shape, attrs),
      functions: TAKES,
      body: `
        ivec3 at = getOutputCoords();
        int image = at.x / height;
        int row = at.x % height;
        int column = at.y;
        int lastI = min((row + top) / strideHeight, outHeight - 1);
        int lastJ = min((column + left) / strideWidth, outWidth - 1);
        int firstI = max((row + top - filterHeight + strideHeight) / strideHeight, 0);
        int firstJ = max((column + left - filterWidth + strideWidth) / strideWidth, 0);
        float sum = 0.0;
        for (int i = firstI; i <= lastI; i++) {
          for (int j = firstJ; j <= lastJ; j++) {
            ${WINDOW}
            ivec2 best = ivec2(r0, s0);
            float maximum = getX(image * height + r0, s0, at.z);
            for (int r = r0; r < r1; r++) {
              for (int s = s0; s < s1; s++) {
                float here = getX(image * height + r, s, at.z);
                if (takes(here, maximum)) { maximum = here; best = ivec2(r, s); }
              }
            }
            if (best == ivec2(row, column)) sum += getDy(image * outHeight + i, j, at.z);
          }
        }
        setOutput(sum);`,
    });
    return { dataId, dtype, shape: x.shape };
  });
}

export const maxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, ({ x }, backend, attrs) =>
    maxPool(x, backend, stockAttrs(attrs)),
  ),
  gradientKernel<{ dy: TensorInfo; x: TensorInfo }, MaxPoolAttrs>(
    FirstMaxPoolGrad,
    (inputs, backend, attrs) => maxPoolGrad({ ...inputs }, backend, stockAttrs(attrs)),
  ),
];

/** tfjs's kernel prefers the last maximum. */
export const maxPoolGradOverride: KernelConfig = kernel<
  { dy: TensorInfo; input: TensorInfo },
  StockPoolAttrs
>('MaxPoolGrad', ({ dy, input }, backend, attrs) => maxPoolGrad({ dy, x: input }, backend, attrs));
