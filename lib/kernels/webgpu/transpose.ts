/**
 * Transposition of integers and booleans on webgpu: tfjs's shader writes only float32, and does not compile for them.
 */
import type { TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { WebGPUBackend } from '../../tfjs_internals';
import { runStockKernel } from '../override';
import { compute, kernel } from './backend';

interface TransposeAttrs {
  perm: number[];
}

function transpose(
  { x }: { x: TensorInfo },
  backend: WebGPUBackend,
  { perm }: TransposeAttrs,
): TensorInfo {
  if (x.dtype === 'float32' || util.sizeFromShape(x.shape) === 0) {
    return runStockKernel('Transpose', 'webgpu', { x }, backend, { perm });
  }
  const outputShape = perm.map((axis) => x.shape[axis]!);
  const [from, to] = [
    [...util.computeStrides(x.shape), 1],
    [...util.computeStrides(outputShape), 1],
  ];
  const ints = Object.fromEntries(
    perm.flatMap((axis, i) => [
      [`from${i}`, from[axis]!],
      [`to${i}`, to[i]!],
    ]),
  );
  const eachAxis = perm.map(
    (_, i) => `at += (rest / uniforms.to${i}) * uniforms.from${i}; rest %= uniforms.to${i};`,
  );
  return compute(backend, {
    key: `transpose_${perm.length}`,
    inputs: { x },
    outputShape,
    dtype: x.dtype,
    threads: util.sizeFromShape(x.shape),
    ints,
    body: `var rest = index; var at = 0; ${eachAxis.join(' ')} result[index] = x[at];`,
  });
}

export const transposeOverride = kernel<{ x: TensorInfo }, TransposeAttrs>('Transpose', transpose);
