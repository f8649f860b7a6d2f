/** FirstMaxPool on the cpu backend: a window's winner is its first maximum in row-major order, or its last NaN. */
import type { KernelConfig, KernelFunc, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../max_pool';
import { type CpuKernelArgs, output, values } from './backend';

interface PoolInputs extends NamedTensorInfoMap {
  x: TensorInfo;
}

interface PoolGradInputs extends PoolInputs {
  dy: TensorInfo;
}

/** Calls `visit(outputIndex, index in x of the window's winner)` for every output value. */
function eachMaximum(
  x: Float32Array,
  shape: number[],
  { poolSize, strides, padding }: MaxPoolAttrs,
  visit: (out: number, argmax: number) => void,
): number[] {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const side = (n: number) => Math.floor((n + 2 * padding - poolSize) / strides) + 1;
  const [outHeight, outWidth] = [side(height), side(width)];
  let out = 0;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; i++) {
      const [top, bottom] = clip(i * strides - padding, poolSize, height);
      for (let j = 0; j < outWidth; j++) {
        const [left, right] = clip(j * strides - padding, poolSize, width);
        for (let c = 0; c < channels; c++) {
          let argmax = ((b * height + top) * width + left) * channels + c;
          for (let r = top; r < bottom; r++) {
            for (let s = left; s < right; s++) {
              const at = ((b * height + r) * width + s) * channels + c;
              if (x[at]! > x[argmax]! || Number.isNaN(x[at])) argmax = at;
            }
          }
          visit(out++, argmax);
        }
      }
    }
  }
  return [batch, outHeight, outWidth, channels];
}

function clip(start: number, size: number, limit: number): [number, number] {
  return [Math.max(start, 0), Math.min(start + size, limit)];
}

function firstMaxPool({ inputs, attrs, backend }: CpuKernelArgs<PoolInputs, MaxPoolAttrs>) {
  const x = values(backend, inputs.x);
  const y: number[] = [];
  const shape = eachMaximum(x, inputs.x.shape, attrs, (_, argmax) => y.push(x[argmax]!));
  return output(backend, Float32Array.from(y), shape);
}

function firstMaxPoolGrad({ inputs, attrs, backend }: CpuKernelArgs<PoolGradInputs, MaxPoolAttrs>) {
  const dy = values(backend, inputs.dy);
  const dx = new Float32Array(values(backend, inputs.x).length);
  eachMaximum(values(backend, inputs.x), inputs.x.shape, attrs, (out, argmax) => {
    dx[argmax]! += dy[out]!;
  });
  return output(backend, dx, inputs.x.shape);
}

export const maxPoolKernels: KernelConfig[] = [
  {
    kernelName: FirstMaxPool,
    backendName: 'cpu',
    kernelFunc: firstMaxPool as unknown as KernelFunc,
  },
  {
    kernelName: FirstMaxPoolGrad,
    backendName: 'cpu',
    kernelFunc: firstMaxPoolGrad as unknown as KernelFunc,
  },
];
