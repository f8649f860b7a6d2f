/** FirstMaxPool on tfjs-node: TensorFlow's max pool, told its padding; its gradient by our own op. */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import { FirstMaxPool, FirstMaxPoolGrad, type MaxPoolAttrs } from '../spec';
import { kernel, opAttrs, type TensorflowBackend } from './backend';

interface GradInputs {
  dy: TensorInfo;
  x: TensorInfo;
}

function poolAttrs(backend: TensorflowBackend, { poolSize, strides, padding }: MaxPoolAttrs) {
  return opAttrs(backend, {
    ints: {
      ksize: [1, poolSize, poolSize, 1],
      strides: [1, strides, strides, 1],
      ...(padding > 0 && {
        explicit_paddings: [0, 0, padding, padding, padding, padding, 0, 0],
      }),
    },
    strings: { padding: padding > 0 ? 'EXPLICIT' : 'VALID', data_format: 'NHWC' },
    types: { T: backend.binding.TF_FLOAT },
  });
}

function pool({ x }: { x: TensorInfo }, backend: TensorflowBackend, attrs: MaxPoolAttrs): Tensor {
  return backend.executeMultipleOutputs('MaxPool', poolAttrs(backend, attrs), [x], 1)[0]!;
}

/** By TensorFlow's op, which wants the pooled images too: they are made anew. */
function poolGrad({ dy, x }: GradInputs, backend: TensorflowBackend, attrs: MaxPoolAttrs): Tensor {
  const y = pool({ x }, backend, attrs);
  const inputs = [x, y, dy];
  return backend.executeMultipleOutputs('MaxPoolGrad', poolAttrs(backend, attrs), inputs, 1)[0]!;
}

/** By our own op. */
function nativePoolGrad(
  { dy, x }: GradInputs,
  backend: TensorflowBackend,
  { poolSize, strides, padding }: MaxPoolAttrs,
): Tensor {
  const attrs = opAttrs(backend, { ints: { pool_size: poolSize, strides, padding } });
  return backend.executeMultipleOutputs('SpikingformerFirstMaxPoolGrad', attrs, [x, dy], 1)[0]!;
}

export const maxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, pool),
  kernel<GradInputs, MaxPoolAttrs>(FirstMaxPoolGrad, poolGrad),
];

export const nativeMaxPoolKernels: KernelConfig[] = [
  kernel<GradInputs, MaxPoolAttrs>(FirstMaxPoolGrad, nativePoolGrad),
];
