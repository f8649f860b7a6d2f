/**
 * BatchNormTraining on webgpu: sums in chunks of rows, one thread per chunk and channel; then one pass to apply them.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { WebGPUBackend } from '../../tfjs_internals';
import {
  type BatchNormAttrs,
  type BatchNormGradInputs,
  type BatchNormInputs,
  BatchNormTraining,
  BatchNormTrainingGrad,
} from '../batch_norm';
import { chunksOf } from '../shaders/chunks';
import { type Compute, compute, kernel } from './backend';

/** A program over all elements of x; `c` is the channel of `index`. */
function overElements(
  backend: WebGPUBackend,
  name: string,
  own: Pick<Compute, 'inputs' | 'floats' | 'body'>,
): TensorInfo {
  const { shape } = own.inputs.x!;
  const { rows, channels } = chunksOf(shape);
  return compute(backend, {
    ...own,
    key: `batch_norm_${name}`,
    outputShape: shape,
    threads: rows * channels,
    ints: { channels },
    floats: { ...own.floats, rows },
    body: `let c = index % uniforms.channels; ${own.body}`,
  });
}

/** Two sums per chunk and channel, `[chunks, 2, channels]`, which `body` puts into a and b. */
function chunkSums(
  backend: WebGPUBackend,
  name: string,
  own: Pick<Compute, 'inputs' | 'floats' | 'body'>,
): TensorInfo {
  const { rows, channels, chunks, chunkRows } = chunksOf(own.inputs.x!.shape);
  return compute(backend, {
    ...own,
    key: `batch_norm_${name}`,
    outputShape: [chunks, 2, channels],
    threads: chunks * channels,
    ints: { channels, rows, chunkRows },
    body: `
      let c = index % uniforms.channels;
      let chunk = index / uniforms.channels;
      let firstRow = chunk * uniforms.chunkRows;
      let count = min(uniforms.chunkRows, uniforms.rows - firstRow);
      var a = 0.0;
      var b = 0.0;
      ${own.body}
      result[(2 * chunk) * uniforms.channels + c] = a;
      result[(2 * chunk + 1) * uniforms.channels + c] = b;`,
  });
}

const eachRow = (body: string) => `
  for (var r = firstRow; r < firstRow + count; r++) {
    let i = r * uniforms.channels + c;
    ${body}
  }`;

const OVER_ROWS = ' / f32(uniforms.rows)';

/** A program over channels that combines the chunks' sums. */
function overChunks(
  backend: WebGPUBackend,
  name: string,
  xShape: number[],
  inputs: Record<string, TensorInfo>,
  body: string,
  divisor = '',
): TensorInfo {
  const { rows, channels, chunks, chunkRows } = chunksOf(xShape);
  return compute(backend, {
    key: `batch_norm_${name}`,
    inputs,
    outputShape: [channels],
    threads: channels,
    ints: { channels, chunks, chunkRows, rows },
    body: `
      var sum = 0.0;
      for (var chunk = 0; chunk < uniforms.chunks; chunk++) {
        let a = shares[(2 * chunk) * uniforms.channels + index];
        let b = shares[(2 * chunk + 1) * uniforms.channels + index];
        let count = f32(min(uniforms.chunkRows, uniforms.rows - chunk * uniforms.chunkRows));
        ${body}
      }
      result[index] = sum${divisor};`,
  });
}

/**
 * The mean of each chunk and the sum of squares around it, combined as by Chan, Golub and LeVeque (1983), so that
 * nothing cancels.
 */
function batchNormTraining(
  { x, gamma, beta }: BatchNormInputs,
  backend: WebGPUBackend,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  const shares = chunkSums(backend, 'moments', {
    inputs: { x },
    body: `${eachRow('a += x[i];')} a /= f32(count); ${eachRow('let d = x[i] - a; b += d * d;')}`,
  });
  const mean = overChunks(backend, 'mean', x.shape, { shares }, 'sum += a * count;', OVER_ROWS);
  const variance = overChunks(
    backend,
    'variance',
    x.shape,
    { shares, mean },
    'let d = a - mean[index]; sum += b + count * d * d;',
    OVER_ROWS,
  );
  backend.disposeData(shares.dataId);
  const y = overElements(backend, 'apply', {
    inputs: { x, gamma, beta, mean, variance },
    floats: { epsilon },
    body: `
      let scale = gamma[c] * inverseSqrt(variance[c] + uniforms.epsilon);
      result[index] = (x[index] - mean[c]) * scale + beta[c];`,
  });
  return [y, mean, variance];
}

function batchNormTrainingGrad(
  { dy, x, gamma, mean, variance }: BatchNormGradInputs,
  backend: WebGPUBackend,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  const rstd = 'let rstd = inverseSqrt(variance[c] + uniforms.epsilon);';
  const shares = chunkSums(backend, 'grad_sums', {
    inputs: { x, dy, mean, variance },
    floats: { epsilon },
    body: `${rstd} ${eachRow('a += dy[i]; b += dy[i] * (x[i] - mean[c]);')} b *= rstd;`,
  });
  const dbeta = overChunks(backend, 'dbeta', x.shape, { shares }, 'sum += a;');
  const dgamma = overChunks(backend, 'dgamma', x.shape, { shares }, 'sum += b;');
  backend.disposeData(shares.dataId);
  const dx = overElements(backend, 'dx', {
    inputs: { x, dy, gamma, mean, variance, dgamma, dbeta },
    floats: { epsilon },
    body: `
      ${rstd}
      let xhat = (x[index] - mean[c]) * rstd;
      let centred = dy[index] - (dbeta[c] + xhat * dgamma[c]) / uniforms.rows;
      result[index] = gamma[c] * rstd * centred;`,
  });
  return [dx, dgamma, dbeta];
}

export const batchNormKernels: KernelConfig[] = [
  kernel<BatchNormInputs, BatchNormAttrs>(BatchNormTraining, batchNormTraining),
  kernel<BatchNormGradInputs, BatchNormAttrs>(BatchNormTrainingGrad, batchNormTrainingGrad),
];
