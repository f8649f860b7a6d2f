/** FirstMaxPool on tfjs-node: by our ops; without them by TensorFlow's, which lose NaN, if there is none to lose. */
import type { KernelConfig, Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  FirstMaxPool,
  FirstMaxPoolGrad,
  firstMaxPool,
  firstMaxPoolGrad,
  type MaxPoolAttrs,
} from '../max_pool';
import { kernel, opAttrs } from './backend';

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

const allFinite = (x: TensorInfo) =>
  tf
    .isFinite(x as Tensor)
    .all()
    .dataSync()[0] === 1;

function pool({ x }: { x: TensorInfo }, backend: TensorflowBackend, attrs: MaxPoolAttrs): Tensor {
  if (!allFinite(x)) return firstMaxPool(x as Tensor4D, attrs);
  return backend.executeMultipleOutputs('MaxPool', poolAttrs(backend, attrs), [x], 1)[0]!;
}

/** By TensorFlow's op, which also takes the pooled images: they are computed again. */
function poolGrad({ dy, x }: GradInputs, backend: TensorflowBackend, attrs: MaxPoolAttrs): Tensor {
  if (!allFinite(x)) return firstMaxPoolGrad(dy as Tensor4D, x as Tensor4D, attrs);
  const opAttributes = poolAttrs(backend, attrs);
  const [y] = backend.executeMultipleOutputs('MaxPool', opAttributes, [x], 1);
  return backend.executeMultipleOutputs('MaxPoolGrad', opAttributes, [x, y!, dy], 1)[0]!;
}

/** By one of our ops. */
function native(
  op: string,
  inputs: TensorInfo[],
  backend: TensorflowBackend,
  { poolSize, strides, padding }: MaxPoolAttrs,
): Tensor {
  const attrs = opAttrs(backend, { ints: { pool_size: poolSize, strides, padding } });
  return backend.executeMultipleOutputs(op, attrs, inputs, 1)[0]!;
}

export const maxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, pool),
  kernel<GradInputs, MaxPoolAttrs>(FirstMaxPoolGrad, poolGrad),
];

export const nativeMaxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, ({ x }, backend, attrs) =>
    native('SpikingformerFirstMaxPool', [x], backend, attrs),
  ),
  kernel<GradInputs, MaxPoolAttrs>(FirstMaxPoolGrad, ({ dy, x }, backend, attrs) =>
    native('SpikingformerFirstMaxPoolGrad', [x, dy], backend, attrs),
  ),
];
