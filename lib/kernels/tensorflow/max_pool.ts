/** FirstMaxPool on tfjs-node: by our ops; without them by TensorFlow's, which lose NaN, if there is none to lose. */
import type { KernelConfig, Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import type { BatchNormAttrs, BatchNormInputs } from '../batch_norm';
import {
  BatchNormPool,
  type BatchNormPoolAttrs,
  BatchNormPoolGrad,
  type BatchNormPoolGradInputs,
} from '../batch_norm_pool';
import {
  FirstMaxPool,
  FirstMaxPoolGrad,
  firstMaxPool,
  firstMaxPoolGrad,
  type MaxPoolAttrs,
  PlacedMaxPool,
  type PlacedMaxPoolAttrs,
  PlacedMaxPoolGrad,
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

/** By one of our ops; those with a batch norm inside have an epsilon. */
function native(
  op: string,
  inputs: TensorInfo[],
  backend: TensorflowBackend,
  { poolSize, strides, padding, epsilon }: MaxPoolAttrs & Partial<BatchNormAttrs>,
  { outputs = 1, ...more }: { outputs?: number; height?: number; width?: number } = {},
): Tensor[] {
  const attrs = opAttrs(backend, {
    ints: { pool_size: poolSize, strides, padding, ...more },
    floats: epsilon === undefined ? {} : { epsilon },
  });
  return backend.executeMultipleOutputs(`Spikingformer${op}`, attrs, inputs, outputs);
}

export const maxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(FirstMaxPool, pool),
  kernel<GradInputs, MaxPoolAttrs>(FirstMaxPoolGrad, poolGrad),
];

export const nativeMaxPoolKernels: KernelConfig[] = [
  kernel<{ x: TensorInfo }, MaxPoolAttrs>(
    FirstMaxPool,
    ({ x }, backend, attrs) => native('FirstMaxPool', [x], backend, attrs)[0]!,
  ),
  kernel<GradInputs, MaxPoolAttrs>(
    FirstMaxPoolGrad,
    ({ dy, x }, backend, attrs) => native('FirstMaxPoolGrad', [x, dy], backend, attrs)[0]!,
  ),
];

export const placedMaxPoolKernels: KernelConfig[] = [
  kernel<BatchNormInputs, BatchNormPoolAttrs>(BatchNormPool, ({ x, gamma, beta }, backend, attrs) =>
    native('BatchNormPool', [x, gamma, beta], backend, attrs, { outputs: 4 }),
  ),
  kernel<BatchNormPoolGradInputs, BatchNormPoolAttrs>(
    BatchNormPoolGrad,
    ({ dy, x, gamma, mean, variance, places }, backend, attrs) => {
      const inputs = [dy, x, gamma, mean, variance, places];
      return native('BatchNormPoolGrad', inputs, backend, attrs, { outputs: 3 });
    },
  ),
  kernel<{ x: TensorInfo }, PlacedMaxPoolAttrs>(PlacedMaxPool, ({ x }, backend, attrs) =>
    native('PlacedMaxPool', [x], backend, attrs, { outputs: 2 }),
  ),
  kernel<{ dy: TensorInfo; places: TensorInfo }, PlacedMaxPoolAttrs>(
    PlacedMaxPoolGrad,
    ({ dy, places }, backend, { sides: [height, width], ...attrs }) =>
      native('PlacedMaxPoolGrad', [places, dy], backend, attrs, { height, width })[0]!,
  ),
];
