/**
 * Casts to float32 on webgpu. tfjs only relabels booleans and integers, and some of its shaders (transposes, and means
 * that transpose first) then do not compile: spikes made by a comparison are an example.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { runStockKernel } from '../override';
import { asFloats, kernel } from './backend';

export const castOverride = kernel<{ x: TensorInfo }, { dtype: DataType }>(
  'Cast',
  ({ x }, backend, { dtype }) =>
    dtype === 'float32' && (x.dtype === 'bool' || x.dtype === 'int32')
      ? asFloats(backend, x)
      : runStockKernel('Cast', 'webgpu', { x }, backend, { dtype }),
);
