/** NIR files in tests: h5wasm, which is an ES module, and fixtures. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import type * as H5wasm from 'h5wasm';
import { interop } from 'tfjs-spikingformer';
import { type Numbers, type Tree, writeHdf5 } from '../../interop/nir/_hdf5';
import { permute, type Values } from './fixtures';

/** Put there by the environment. */
const { importModule } = globalThis as unknown as { importModule(name: string): Promise<unknown> };
export const loadH5wasm = () => importModule('h5wasm') as Promise<typeof H5wasm>;

export function nirFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(path.join(__dirname, '../fixtures/nir', `${name}.nir`)));
}

export async function readNir(bytes: Uint8Array, options: interop.NirOptions = {}) {
  return interop.readNir(bytes, { h5wasm: await loadH5wasm(), ...options });
}

/** `[time, channels, ...]` as `[1, time, ..., channels]`. */
export function toOurs({ shape, data }: Values): Values {
  const order = [0, ...shape.map((_, i) => i).slice(2), 1];
  const turned = permute({ shape, data }, order);
  return { shape: [1, ...turned.shape], data: turned.data };
}

/** Rows of a layer's spikes that are not as they must be. */
export function flips(spikes: tf.Tensor, expected: Values): number {
  const { shape, data } = toOurs(expected);
  expect(spikes.shape).toEqual(shape);
  return spikes.dataSync<'float32'>().filter((value, i) => value !== data[i]).length;
}

export const numbers = (data: number[], shape = [data.length]): Numbers => ({
  data: Float32Array.from(data),
  shape,
});
export const whole = (...data: number[]): Numbers => ({ ...numbers(data), dtype: 'int64' });
export const end = (type: 'Input' | 'Output', ...shape: number[]) => ({
  type,
  shape: whole(...shape),
});

export const write = async (node: Tree) => writeHdf5({ version: '1.0', node }, await loadH5wasm());

/** A file of one node between an input and an output, the output's shape not looked at. */
export const between = (node: Tree, shape: number[]) =>
  write({
    type: 'NIRGraph',
    nodes: { in: end('Input', ...shape), node, out: end('Output', 1) },
    edges: ['in', 'node', 'node', 'out'],
  });
