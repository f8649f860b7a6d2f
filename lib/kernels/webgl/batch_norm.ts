/** BatchNormTraining on webgl: sums in chunks of rows, one fragment per chunk; then one pass to apply them. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import type { WebGLBackend } from '../../tfjs_internals';
import {
  type BatchNormAttrs,
  type BatchNormGradInputs,
  type BatchNormInputs,
  BatchNormTraining,
  BatchNormTrainingGrad,
} from '../batch_norm';
import { chunksOf } from '../shaders/chunks';
import { draw, type Fragment, gradientKernel, kernel, withUnpacked } from './backend';

/** `[..., channels]` as `[rows, channels]`. */
function asRows(x: TensorInfo): TensorInfo {
  const { rows, channels } = chunksOf(x.shape);
  return { ...x, shape: [rows, channels] };
}

/** A program over all elements of x, at row `r` and channel `c`. */
function overElements(
  backend: WebGLBackend,
  x: TensorInfo,
  own: Pick<Fragment, 'inputs' | 'floats' | 'body'>,
): TensorInfo {
  const { rows, channels } = chunksOf(x.shape);
  const { dataId, dtype } = draw(backend, {
    inputs: { ...own.inputs, x: asRows(x) },
    outputShape: [rows, channels],
    floats: { ...own.floats, rows },
    body: `
      ivec2 at = getOutputCoords();
      int r = at.x;
      int c = at.y;
      ${own.body}`,
  });
  return { dataId, dtype, shape: x.shape };
}

/** Two sums per chunk and channel, `[chunks, 2, channels]`: of the terms `first` and, in the second row, `second`. */
function chunkSums(
  backend: WebGLBackend,
  x: TensorInfo,
  own: Pick<Fragment, 'inputs' | 'floats' | 'body'>,
): TensorInfo {
  const { rows, channels, chunks, chunkRows } = chunksOf(x.shape);
  return draw(backend, {
    inputs: { ...own.inputs, x: asRows(x) },
    outputShape: [chunks, 2, channels],
    floats: own.floats,
    ints: { rows, chunkRows },
    body: `
      ivec3 at = getOutputCoords();
      int c = at.z;
      bool second = at.y == 1;
      int firstRow = at.x * chunkRows;
      int end = min(firstRow + chunkRows, rows);
      float sum = 0.0;
      ${own.body}
      setOutput(sum);`,
  });
}

const eachRow = (body: string) => `for (int r = firstRow; r < end; r++) { ${body} }`;

/** A program over channels that combines the chunks' sums. */
function overChunks(
  backend: WebGLBackend,
  xShape: number[],
  inputs: Record<string, TensorInfo>,
  body: string,
  divisor = '',
): TensorInfo {
  const { rows, channels, chunks, chunkRows } = chunksOf(xShape);
  return draw(backend, {
    inputs,
    outputShape: [channels],
    ints: { rows, chunks, chunkRows },
    body: `
      int c = getOutputCoords();
      float sum = 0.0;
      for (int chunk = 0; chunk < chunks; chunk++) {
        float count = float(min(chunkRows, rows - chunk * chunkRows));
        ${body}
      }
      setOutput(sum${divisor});`,
  });
}

const A = 'getShares(chunk, 0, c)';
const B = 'getShares(chunk, 1, c)';
const OVER_ROWS = ' / float(rows)';

/** As on webgpu: the mean of each chunk and the sum of squares around it. */
function batchNormTraining(
  given: BatchNormInputs,
  backend: WebGLBackend,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  const inputs = { x: given.x, gamma: given.gamma, beta: given.beta };
  return withUnpacked(backend, inputs, ({ x, gamma, beta }) => {
    const shares = chunkSums(backend, x, {
      inputs: {},
      body: `
        ${eachRow('sum += getX(r, c);')}
        sum /= float(end - firstRow);
        if (second) {
          float centre = sum;
          sum = 0.0;
          ${eachRow('float d = getX(r, c) - centre; sum += d * d;')}
        }`,
    });
    const mean = overChunks(backend, x.shape, { shares }, `sum += ${A} * count;`, OVER_ROWS);
    const variance = overChunks(
      backend,
      x.shape,
      { shares, mean },
      `float d = ${A} - getMean(c); sum += ${B} + count * d * d;`,
      OVER_ROWS,
    );
    backend.disposeIntermediateTensorInfo(shares);
    const y = overElements(backend, x, {
      inputs: { gamma, beta, mean, variance },
      floats: { epsilon },
      body: `
        float scale = getGamma(c) * inversesqrt(getVariance(c) + epsilon);
        setOutput((getX(r, c) - getMean(c)) * scale + getBeta(c));`,
    });
    return [y, mean, variance];
  });
}

function batchNormTrainingGrad(
  given: BatchNormGradInputs,
  backend: WebGLBackend,
  { epsilon }: BatchNormAttrs,
): TensorInfo[] {
  const tensors = {
    dy: given.dy,
    x: given.x,
    gamma: given.gamma,
    mean: given.mean,
    variance: given.variance,
  };
  const rstd = 'float rstd = inversesqrt(getVariance(c) + epsilon);';
  return withUnpacked(backend, tensors, ({ dy, x, gamma, mean, variance }) => {
    const shares = chunkSums(backend, x, {
      inputs: { dy: asRows(dy), mean, variance },
      floats: { epsilon },
      body: `
        ${rstd}
        ${eachRow('sum += getDy(r, c) * (second ? (getX(r, c) - getMean(c)) * rstd : 1.0);')}`,
    });
    const dbeta = overChunks(backend, x.shape, { shares }, `sum += ${A};`);
    const dgamma = overChunks(backend, x.shape, { shares }, `sum += ${B};`);
    backend.disposeIntermediateTensorInfo(shares);
    const dx = overElements(backend, x, {
      inputs: { dy: asRows(dy), gamma, mean, variance, dgamma, dbeta },
      floats: { epsilon },
      body: `
        ${rstd}
        float xhat = (getX(r, c) - getMean(c)) * rstd;
        float centred = getDy(r, c) - (getDbeta(c) + xhat * getDgamma(c)) / rows;
        setOutput(getGamma(c) * rstd * centred);`,
    });
    return [dx, dgamma, dbeta];
  });
}

export const batchNormKernels: KernelConfig[] = [
  kernel<BatchNormInputs, BatchNormAttrs>(BatchNormTraining, batchNormTraining),
  gradientKernel<BatchNormGradInputs, BatchNormAttrs>(BatchNormTrainingGrad, batchNormTrainingGrad),
];
