/** FirstMaxPool and tfjs's MaxPoolGrad described in the same terms, for the kernels of both. */
import { backend_util } from '@tensorflow/tfjs';
import type { MaxPoolAttrs } from './max_pool';

type Shape4D = [number, number, number, number];
export type PoolInfo = ReturnType<typeof backend_util.computePool2DInfo>;

/** The attributes of tfjs's MaxPool and MaxPoolGrad. */
export interface StockPoolAttrs {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Parameters<typeof backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** FirstMaxPool in tfjs's terms. */
export function stockAttrs({ poolSize, strides, padding }: MaxPoolAttrs): StockPoolAttrs {
  return { filterSize: poolSize, strides, pad: padding, dimRoundingMode: 'floor' };
}

/** The pool for an x of that shape. */
export function describePool(xShape: number[], attrs: StockPoolAttrs): PoolInfo {
  return backend_util.computePool2DInfo(
    xShape as Shape4D,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

/** The integers that a pool's shader reads. */
export function poolUniforms(xShape: number[], attrs: StockPoolAttrs) {
  const info = describePool(xShape, attrs);
  return {
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}
