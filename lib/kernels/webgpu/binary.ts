/**
 * Operations on two tensors on webgpu. If one has five or more axes and the other is a vector, as in `[batch, time,
 * height, width, channels]` times `[channels]`, tfjs's shader does not compile (it indexes a struct). Rows times a
 * vector give the same result.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import { runStockKernel } from '../override';
import { kernel } from './backend';

const NAMES = [
  'Add',
  'Atan2',
  'Equal',
  'FloorDiv',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'LogicalAnd',
  'LogicalOr',
  'Maximum',
  'Minimum',
  'Mod',
  'Multiply',
  'NotEqual',
  'Pow',
  'RealDiv',
  'SquaredDifference',
  'Sub',
];

/** As rows, if it has five axes or more. */
function asRows(x: TensorInfo): TensorInfo {
  const columns = x.shape.at(-1)!;
  const rows = util.sizeFromShape(x.shape.slice(0, -1));
  return x.shape.length < 5 ? x : { ...x, shape: [rows, columns] };
}

export const binaryOverrides: KernelConfig[] = NAMES.map((name) =>
  kernel<{ a: TensorInfo; b: TensorInfo }, object>(name, ({ a, b }, backend, attrs) => {
    const [few, many] = a.shape.length < b.shape.length ? [a, b] : [b, a];
    if (few.shape.length !== 1 || many.shape.length < 5 || few.shape[0] !== many.shape.at(-1)) {
      return runStockKernel(name, 'webgpu', { a, b }, backend, attrs);
    }
    const y = runStockKernel(name, 'webgpu', { a: asRows(a), b: asRows(b) }, backend, attrs);
    return { ...y, shape: many.shape };
  }),
);
