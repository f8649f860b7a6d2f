/** Max pooling on wasm as in PyTorch: NaN wins, and the gradient goes to the first maximum. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../max_pool';
import { describePool, type PoolInfo, type StockPoolAttrs, stockAttrs } from '../stock_pool';
import { checkFloat32, pointer, withHeap } from './backend';
import { kernelsOf } from './module';

/** The sizes that the module's functions take, in their order. */
function sizesOf(info: PoolInfo) {
  return [
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
  ];
}

function maxPool(x: TensorInfo, backend: BackendWasm, info: PoolInfo): TensorInfo {
  checkFloat32(FirstMaxPool, { x });
  return withHeap(backend, (heap) => {
    const y = heap.output(info.outShape);
    kernelsOf(backend).maxPool(pointer(backend, x), pointer(backend, y), ...sizesOf(info));
    return y;
  });
}

/** dx of the pool that `info` describes: also the correct result of tfjs's MaxPoolGrad. */
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
      ...sizesOf(info),
    );
    return dx;
  });
}

export const firstMaxPoolConfig: KernelConfig = {
  kernelName: FirstMaxPool,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const x = inputs.x as TensorInfo;
    const info = describePool(x.shape, stockAttrs(attrs as unknown as MaxPoolAttrs));
    return maxPool(x, backend as BackendWasm, info);
  },
};

export const firstMaxPoolGradConfig: KernelConfig = {
  kernelName: FirstMaxPoolGrad,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    const info = describePool(x.shape, stockAttrs(attrs as unknown as MaxPoolAttrs));
    return maxPoolGrad(FirstMaxPoolGrad, dy, x, backend as BackendWasm, info);
  },
};

/** tfjs's kernel loses the gradient of windows without a positive value, and prefers the last maximum. */
export const maxPoolGradOverride: KernelConfig = {
  kernelName: 'MaxPoolGrad',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const info = describePool(input.shape, attrs as unknown as StockPoolAttrs);
    return maxPoolGrad('MaxPoolGrad', dy, input, backend as BackendWasm, info);
  },
};
