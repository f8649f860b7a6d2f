/**
 * BatchNormTraining on tfjs-node: this library's ops, also for the LIF neurons behind it; without them TensorFlow's
 * fused batch normalization and its gradient op.
 */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OpAttr, TensorflowBackend } from '../../tfjs_internals';
import {
  type BatchNormAttrs,
  type BatchNormGradInputs,
  type BatchNormInputs,
  BatchNormTraining,
  BatchNormTrainingGrad,
} from '../batch_norm';
import { BatchNormAffine, type BatchNormAffineInputs } from '../batch_norm_affine';
import {
  BatchNormLIF,
  type BatchNormLIFAttrs,
  BatchNormLIFGrad,
  type BatchNormLIFGradInputs,
} from '../batch_norm_lif';
import { kernel, opAttrs } from './backend';
import { neuronAttrs } from './multi_step_lif';
import { mayStoreAsBits, storedAsBits } from './spike_storage';

/** The ops take four axes; only the last one matters to them. */
function asImages(x: TensorInfo): TensorInfo {
  return x.shape.length === 4 ? x : tf.reshape(x as Tensor, [-1, 1, 1, x.shape.at(-1)!]);
}

/** The reverse, for the result of an op on such images. */
function shapedAs(y: Tensor, { shape }: TensorInfo): Tensor {
  return shape.length === 4 ? y : y.reshape(shape);
}

function opAttrsOf(backend: TensorflowBackend, { epsilon }: BatchNormAttrs) {
  const { TF_FLOAT } = backend.binding;
  return opAttrs(backend, {
    floats: { epsilon },
    bools: { is_training: true },
    strings: { data_format: 'NHWC' },
    types: { T: TF_FLOAT, U: TF_FLOAT },
  });
}

/** The op's third output is the unbiased variance; the fifth, saved for its gradient, is the biased one. */
function batchNormTraining(
  { x, gamma, beta }: BatchNormInputs,
  backend: TensorflowBackend,
  attrs: BatchNormAttrs,
): Tensor[] {
  const none = tf.tensor1d([]);
  const [y, , , mean, variance] = backend.executeMultipleOutputs(
    'FusedBatchNormV3',
    opAttrsOf(backend, attrs),
    [asImages(x), gamma, beta, none, none],
    6,
  );
  return [shapedAs(y!, x), mean!, variance!];
}

function batchNormTrainingGrad(
  { dy, x, gamma, mean, variance }: BatchNormGradInputs,
  backend: TensorflowBackend,
  attrs: BatchNormAttrs,
): Tensor[] {
  const [dx, dgamma, dbeta] = backend.executeMultipleOutputs(
    'FusedBatchNormGradV3',
    opAttrsOf(backend, attrs),
    [asImages(dy), asImages(x), gamma, mean, variance, tf.tensor1d([])],
    5,
  );
  return [shapedAs(dx!, x), dgamma!, dbeta!];
}

export const batchNormKernels: KernelConfig[] = [
  kernel<BatchNormInputs, BatchNormAttrs>(BatchNormTraining, batchNormTraining),
  kernel<BatchNormGradInputs, BatchNormAttrs>(BatchNormTrainingGrad, batchNormTrainingGrad),
];

/** Our op of that name, which has three outputs. */
const native = <Inputs, Attrs extends BatchNormAttrs>(
  kernelName: string,
  opName: string,
  inputsOf: (inputs: Inputs) => TensorInfo[],
  moreAttrs: (backend: TensorflowBackend, attrs: Attrs) => OpAttr[] = () => [],
) =>
  kernel<Inputs, Attrs>(kernelName, (inputs, backend, attrs) =>
    backend.executeMultipleOutputs(
      opName,
      [...opAttrs(backend, { floats: { epsilon: attrs.epsilon } }), ...moreAttrs(backend, attrs)],
      inputsOf(inputs),
      3,
    ),
  );

const weighted = ({ x, gamma, beta }: BatchNormInputs) => [x, gamma, beta];
const saved = (inputs: BatchNormGradInputs) => {
  const { dy, x, gamma, mean, variance } = inputs;
  return [dy, x, gamma, mean, variance];
};

/** Ours for CPUs alone. */
export const batchNormAffineKernel = kernel<BatchNormAffineInputs, BatchNormAttrs>(
  BatchNormAffine,
  ({ gamma, beta, mean, variance, bias }, backend, { epsilon }) => {
    const biases = bias ? [bias] : [];
    const attrs = opAttrs(backend, { floats: { epsilon }, ints: { N: biases.length } });
    const inputs = [gamma, beta, mean, variance, ...biases];
    return backend.executeMultipleOutputs('SpikingformerBatchNormAffine', attrs, inputs, 2);
  },
);

/** Its spikes stay bits, on CPUs. */
const batchNormLIF = kernel<BatchNormInputs, BatchNormLIFAttrs>(
  BatchNormLIF,
  (inputs, backend, attrs) => {
    const { shape } = inputs.x;
    const packed = mayStoreAsBits(shape, shape.at(-1)!);
    const op = `Spikingformer${packed ? 'Packed' : ''}BatchNormLif`;
    const given = [
      ...opAttrs(backend, { floats: { epsilon: attrs.epsilon } }),
      ...neuronAttrs(backend, attrs),
    ];
    const [spikes, ...moments] = backend.executeMultipleOutputs(op, given, weighted(inputs), 3);
    return [packed ? storedAsBits(backend, spikes!, shape) : spikes!, ...moments];
  },
);

export const nativeBatchNormKernels: KernelConfig[] = [
  native<BatchNormInputs, BatchNormAttrs>(BatchNormTraining, 'SpikingformerBatchNorm', weighted),
  native<BatchNormGradInputs, BatchNormAttrs>(
    BatchNormTrainingGrad,
    'SpikingformerBatchNormGrad',
    saved,
  ),
  batchNormLIF,
  native<BatchNormLIFGradInputs, BatchNormLIFAttrs>(
    BatchNormLIFGrad,
    'SpikingformerBatchNormLifGrad',
    (inputs) => [...saved(inputs), inputs.beta],
    (backend, attrs) => neuronAttrs(backend, attrs, true),
  ),
];
