/** The composed kernels, for whichever backend lacks its own. */
import * as tf from '@tensorflow/tfjs';
import {
  type AdamWAttrs,
  AdamWStep,
  type BatchNormAttrs,
  BatchNormTraining,
  BatchNormTrainingGrad,
  Blend,
  type BlendAttrs,
  FirstMaxPool,
  FirstMaxPoolGrad,
  type MaxPoolAttrs,
  MultiStepLIF,
  MultiStepLIFGrad,
  type NeuronAttrs,
  SpikeConv2D,
} from '../spec';
import { batchNormTraining, batchNormTrainingGrad } from './batch_norm';
import { firstMaxPool, firstMaxPoolGrad } from './max_pool';
import { multiStepLIF, multiStepLIFGrad } from './multi_step_lif';
import { spikeConv2D } from './spike_conv2d';
import { adamWStep, blend } from './updates';

type Inputs = Record<string, tf.Tensor>;
type Composed<Attrs> = (inputs: Inputs, attrs: Attrs) => tf.Tensor | tf.Tensor[];

/** The engine hands kernels whole tensors, and takes tensors back. */
function kernel<Attrs>(kernelName: string, forward: Composed<Attrs>) {
  const kernelFunc = ({ inputs, attrs }: { inputs: unknown; attrs?: unknown }) =>
    tf.tidy(() => forward(inputs as Inputs, attrs as Attrs));
  return { kernelName, kernelFunc: kernelFunc as tf.KernelFunc };
}

export const composedKernels: Omit<tf.KernelConfig, 'backendName'>[] = [
  kernel<NeuronAttrs>(MultiStepLIF, ({ x, v0, w }, attrs) => multiStepLIF(x!, attrs, v0, w)),
  kernel<NeuronAttrs>(MultiStepLIFGrad, ({ x, dSpikes, dV, v0, w }, attrs) =>
    multiStepLIFGrad(x!, dSpikes!, dV!, attrs, v0, w),
  ),
  kernel<BatchNormAttrs>(BatchNormTraining, ({ x, gamma, beta }, attrs) =>
    batchNormTraining(x!, gamma!, beta!, attrs),
  ),
  kernel<BatchNormAttrs>(BatchNormTrainingGrad, ({ dy, x, gamma, mean, variance }, attrs) =>
    batchNormTrainingGrad(dy!, x!, gamma!, mean!, variance!, attrs),
  ),
  kernel<MaxPoolAttrs>(FirstMaxPool, ({ x }, attrs) => firstMaxPool(x as tf.Tensor4D, attrs)),
  kernel<MaxPoolAttrs>(FirstMaxPoolGrad, ({ dy, x }, attrs) =>
    firstMaxPoolGrad(dy as tf.Tensor4D, x as tf.Tensor4D, attrs),
  ),
  kernel<object>(SpikeConv2D, ({ x, filter, scale, shift }) =>
    spikeConv2D(x as tf.Tensor4D, filter as tf.Tensor4D, scale!, shift!),
  ),
  kernel<AdamWAttrs>(AdamWStep, ({ p, g, m, v }, attrs) => adamWStep(p!, g!, m!, v!, attrs)),
  kernel<BlendAttrs>(Blend, ({ old, now }, attrs) => blend(old!, now!, attrs)),
];
