/** BatchNormTraining on the cpu backend, with sums in float64; lib/kernels/batch_norm.ts has the formulas. */
import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs';
import {
  type BatchNormAttrs,
  type BatchNormGradInputs,
  type BatchNormInputs,
  BatchNormTraining,
  BatchNormTrainingGrad,
} from '../batch_norm';
import { type CpuKernelArgs, output, values } from './backend';

function batchNormTraining({
  inputs,
  attrs,
  backend,
}: CpuKernelArgs<BatchNormInputs, BatchNormAttrs>) {
  const x = values(backend, inputs.x);
  const gamma = values(backend, inputs.gamma);
  const beta = values(backend, inputs.beta);
  const channels = gamma.length;
  const rows = x.length / channels;

  const mean = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) mean[i % channels]! += x[i]!;
  for (let c = 0; c < channels; c++) mean[c]! /= rows;
  const variance = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) variance[i % channels]! += (x[i]! - mean[i % channels]!) ** 2;
  for (let c = 0; c < channels; c++) variance[c]! /= rows;

  const scale = variance.map((v, c) => gamma[c]! / Math.sqrt(v + attrs.epsilon));
  const y = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const c = i % channels;
    y[i] = (x[i]! - mean[c]!) * scale[c]! + beta[c]!;
  }
  return [
    output(backend, y, inputs.x.shape),
    output(backend, Float32Array.from(mean), [channels]),
    output(backend, Float32Array.from(variance), [channels]),
  ];
}

function batchNormTrainingGrad({
  inputs,
  attrs,
  backend,
}: CpuKernelArgs<BatchNormGradInputs, BatchNormAttrs>) {
  const dy = values(backend, inputs.dy);
  const x = values(backend, inputs.x);
  const gamma = values(backend, inputs.gamma);
  const mean = values(backend, inputs.mean);
  const variance = values(backend, inputs.variance);
  const channels = gamma.length;
  const rows = x.length / channels;

  const rstd = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + attrs.epsilon));
  const dgamma = new Float64Array(channels);
  const dbeta = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) {
    const c = i % channels;
    dbeta[c]! += dy[i]!;
    dgamma[c]! += dy[i]! * (x[i]! - mean[c]!) * rstd[c]!;
  }
  const dx = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const c = i % channels;
    const xhat = (x[i]! - mean[c]!) * rstd[c]!;
    dx[i] = gamma[c]! * rstd[c]! * (dy[i]! - dbeta[c]! / rows - (xhat * dgamma[c]!) / rows);
  }
  return [
    output(backend, dx, inputs.x.shape),
    output(backend, Float32Array.from(dgamma), [channels]),
    output(backend, Float32Array.from(dbeta), [channels]),
  ];
}

export const batchNormKernels: KernelConfig[] = [
  {
    kernelName: BatchNormTraining,
    backendName: 'cpu',
    kernelFunc: batchNormTraining as unknown as KernelFunc,
  },
  {
    kernelName: BatchNormTrainingGrad,
    backendName: 'cpu',
    kernelFunc: batchNormTrainingGrad as unknown as KernelFunc,
  },
];
