/**
 * Golden numbers of the authors' PyTorch implementation (`__tests__/fixtures`), and their way into
 * our layouts: time second, channels last, kernels as [.., in, out]. Comparisons are in compare.ts.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { readSafetensors } from '../../interop/safetensors';
import type { StateDict, StateTensor } from '../../interop/state_dict';
import type { Tolerance, Values } from './compare';

export * from './compare';

/** What every fixture's json says; a test names the further fields that it reads. */
export interface FixtureMeta {
  file: string;
  what: string;
  tolerance: { forward: Tolerance; buffers: Tolerance; grad: Tolerance };
  tensors: Record<string, { shape: number[]; dtype: string }>;
}

export interface Fixture<M> {
  meta: M & FixtureMeta;
  /** Everything in the file, in PyTorch's layouts. */
  tensors: StateDict;
  /** Whether the file has a tensor of that name. */
  has(name: string): boolean;
  /** Names of tensors under a prefix, without it: `names('train.grad.')`. */
  names(prefix: string): string[];
  /** A tensor as float32, layout unchanged. */
  values(name: string): Values;
  /** An activation or its gradient, from time first to ours. */
  activation(name: string): Values;
  /** A parameter or its gradient, in our layout. */
  weight(name: string): Values;
}

const folder = path.join(__dirname, '../fixtures');

/** Where a fixture lies, or undefined: `fixturePath('ops/lif')` is the path without extension. */
export function fixturePath(name: string): string | undefined {
  const found = path.join(folder, name);
  return existsSync(`${found}.json`) ? found : undefined;
}

/**
 * Loads `fixtures/<name>.json` and `.safetensors`.
 *
 * ```ts
 * const fixture = loadFixture<{heads: number}>('ops/ssa_cifar');
 * const x = toTensor(fixture.activation('x'));            // [N, T, H, W, C]
 * expectForwardClose(layer.apply(x), fixture.activation('train.out'), 'out');
 * ```
 */
export function loadFixture<M = unknown>(name: string): Fixture<M> {
  const base = fixturePath(name);
  if (base === undefined) throw new Error(`there is no fixture ${name}.json in __tests__/fixtures`);
  const meta = JSON.parse(readFileSync(`${base}.json`, 'utf8')) as M & FixtureMeta;
  const tensors = readSafetensors(readFileSync(`${base}.safetensors`));
  const values = (tensorName: string): Values => {
    const tensor = tensors[tensorName];
    if (tensor === undefined) throw new Error(`fixture ${name} has no tensor ${tensorName}`);
    return toFloat(tensor);
  };
  return {
    meta,
    tensors,
    has: (tensorName) => tensors[tensorName] !== undefined,
    names: (prefix) =>
      Object.keys(tensors)
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
    values,
    activation: (tensorName) => timeFirstToOurs(values(tensorName), name.includes('spikformer')),
    weight: (tensorName) => weightToOurs(values(tensorName)),
  };
}

/** Any fixture's json alone: `loadJson<Preset>('presets/presets')`. */
export function loadJson<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')) as T;
}

/** Counts, spikes and targets become float32; half floats are not in the fixtures. */
export function toFloat(tensor: StateTensor): Values {
  if (tensor.dtype === 'F16' || tensor.dtype === 'BF16') {
    throw new Error(`fixtures hold no ${tensor.dtype}`);
  }
  return { shape: tensor.shape, data: Float32Array.from(tensor.data as ArrayLike<number>, Number) };
}

/** A tensor of the current backend; the caller disposes of it. */
export function toTensor({ shape, data }: Values): tf.Tensor {
  return tf.tensor(data, shape, 'float32');
}

/** Reorders axes: axis i of the result is axis order[i] of the input. */
export function permute({ shape, data }: Values, order: readonly number[]): Values {
  if (order.length !== shape.length) {
    throw new Error(`order [${order}] does not fit shape [${shape}]`);
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const outShape = order.map((axis) => shape[axis]);
  const outStrides = order.map((axis) => strides[axis]);
  const out = new Float32Array(data.length);
  const index = outShape.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from];
    for (let axis = outShape.length - 1; axis >= 0; axis--) {
      from += outStrides[axis];
      if (++index[axis] < outShape[axis]) break;
      from -= outStrides[axis] * outShape[axis];
      index[axis] = 0;
    }
  }
  return { shape: outShape, data: out };
}

/**
 * Activations and their gradients: (T,N,C,H,W) to [N,T,H,W,C], (T,N,C,L) to [N,T,L,C],
 * (T,N,C) to [N,T,C]; Spikformer's tokens come as (T,N,L,C).
 */
export function timeFirstToOurs(values: Values, channelsLast = false): Values {
  const tokens = channelsLast ? [1, 0, 2, 3] : [1, 0, 3, 2];
  const orders: Record<number, number[]> = { 5: [1, 0, 3, 4, 2], 4: tokens, 3: [1, 0, 2] };
  return permuteByRank(values, orders, 'a time-first activation');
}

/** How a fixture's recorded spikes become ours, which have that shape. */
export type ExpectedSpikes = (
  fixture: Pick<Fixture<unknown>, 'values' | 'activation'>,
  name: string,
  timeSteps: number | undefined,
  shape: readonly number[],
) => Values;

/**
 * Recorded spikes as ours. Of three axes the first is time, or time and batch, which the authors have merged; one value
 * per channel comes as (T,N,heads,1,channels of a head).
 */
export function spikesOf(
  fixture: Pick<Fixture<unknown>, 'values' | 'activation'>,
  name: string,
  timeSteps?: number,
): Values {
  const values = fixture.values(name);
  const [steps, ...rest] = values.shape as [number, ...number[]];
  if (name.endsWith('talking_heads_lif')) {
    const [batch, heads, , channels] = rest as [number, number, number, number];
    return timeFirstToOurs({ ...values, shape: [steps, batch, heads * channels] });
  }
  const isMerged = timeSteps !== undefined && steps > timeSteps && steps % timeSteps === 0;
  if (rest.length !== 2 || !isMerged) return fixture.activation(name);
  return timeFirstToOurs({ ...values, shape: [timeSteps, steps / timeSteps, ...rest] });
}

/** A model's image (N,C,H,W) to [N,H,W,C], its events (N,T,C,H,W) to [N,T,H,W,C]; logits stay. */
export function modelInputToOurs(values: Values): Values {
  const orders: Record<number, number[]> = { 5: [0, 1, 3, 4, 2], 4: [0, 2, 3, 1], 2: [0, 1] };
  return permuteByRank(values, orders, 'a model input');
}

/**
 * Parameters and their gradients: conv2d (out,in,kh,kw) to [kh,kw,in,out], conv1d (out,in,1) and
 * linear (out,in) to [in,out], vectors unchanged.
 */
export function weightToOurs(values: Values): Values {
  const { shape, data } = values;
  if (shape.length === 3 && shape[2] === 1) {
    return weightToOurs({ shape: shape.slice(0, 2), data });
  }
  const orders: Record<number, number[]> = { 4: [2, 3, 1, 0], 2: [1, 0], 1: [0], 0: [] };
  return permuteByRank(values, orders, 'a weight');
}

function permuteByRank(values: Values, orders: Record<number, number[]>, what: string): Values {
  const order = orders[values.shape.length];
  if (order === undefined) throw new Error(`shape [${values.shape}] is not that of ${what}`);
  return permute(values, order);
}
