/** Max pooling on wasm whose gradient goes to the first maximum; tfjs's own forward serves. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { backend_util } from '@tensorflow/tfjs';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../spec';
import { type BackendWasm, checkFloat32, pointer, withHeap } from './backend';
import { kernelsOf } from './module';
import { runStock } from './stock';

type Shape4D = [number, number, number, number];
type PoolInfo = ReturnType<typeof backend_util.computePool2DInfo>;

/** tfjs's attributes of a pool with numeric padding. */
function stockAttrs({ poolSize, strides, padding }: MaxPoolAttrs) {
  return { filterSize: poolSize, strides, pad: padding, dimRoundingMode: 'floor' as const };
}

/** dx of the pool that `info` describes: what MaxPoolGrad of tfjs should be, too. */
function maxPoolGrad(
  kernelName: string,
  dy: TensorInfo,
  x: TensorInfo,
  backend: BackendWasm,
  info: PoolInfo,
): TensorInfo {
  checkFloat32(kernelName, { dy, x });
  return withHeap(backend, (heap) => {
    const dx = heap.output(x.shape);
    kernelsOf(backend).maxPoolGrad(
      pointer(backend, x),
      pointer(backend, dy),
      pointer(backend, dx),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      info.inChannels,
      info.outHeight,
      info.outWidth,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
    );
    return dx;
  });
}

export const firstMaxPoolConfig: KernelConfig = {
  kernelName: FirstMaxPool,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) =>
    runStock(
      'MaxPool',
      { x: inputs.x as TensorInfo },
      backend as BackendWasm,
      stockAttrs(attrs as unknown as MaxPoolAttrs),
    ),
};

export const firstMaxPoolGradConfig: KernelConfig = {
  kernelName: FirstMaxPoolGrad,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    const { filterSize, strides, pad, dimRoundingMode } = stockAttrs(
      attrs as unknown as MaxPoolAttrs,
    );
    return maxPoolGrad(
      FirstMaxPoolGrad,
      dy,
      x,
      backend as BackendWasm,
      backend_util.computePool2DInfo(
        x.shape as Shape4D,
        filterSize,
        strides,
        1,
        pad,
        dimRoundingMode,
      ),
    );
  },
};

interface StockPoolAttrs {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Parameters<typeof backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** tfjs's kernel loses the gradient of windows without a positive value, and prefers the last maximum. */
export const maxPoolGradOverride: KernelConfig = {
  kernelName: 'MaxPoolGrad',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as StockPoolAttrs;
    return maxPoolGrad(
      'MaxPoolGrad',
      dy,
      input,
      backend as BackendWasm,
      backend_util.computePool2DInfo(
        input.shape as Shape4D,
        filterSize,
        strides,
        1,
        pad,
        dimRoundingMode,
      ),
    );
  },
};
