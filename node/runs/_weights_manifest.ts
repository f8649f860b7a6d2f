/** The part of model.json that locates the weights, checked before anything relies on it. */
import { isAbsolute } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { isNatural, isRecord, typeOf } from '../files/json';

/** Bytes per stored element; a string's length is in the data. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

/** The bytes that a group of weights takes; a minimum if it holds strings. */
export interface ExpectedBytes {
  bytes: number;
  exact: boolean;
}

/** Parses and checks the text of a model.json; `jsonPath` is for the messages. */
export function parseModelJson(text: string, jsonPath: string): tf.io.ModelJSON {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${jsonPath} is not JSON, so not a model: ${(error as Error).message}`);
  }
  if (!isRecord(json) || !isRecord(json.modelTopology)) {
    throw new Error(`${jsonPath} has no modelTopology: it is not the model.json of a tfjs model`);
  }
  if (json.weightsManifest !== undefined) checkManifest(json.weightsManifest, jsonPath);
  return json as unknown as tf.io.ModelJSON;
}

function checkManifest(manifest: unknown, jsonPath: string): void {
  if (!Array.isArray(manifest)) {
    throw new Error(`${jsonPath}: weightsManifest must be an array, but is ${typeOf(manifest)}`);
  }
  for (const [i, group] of manifest.entries()) {
    const where = `${jsonPath}: weightsManifest[${i}]`;
    if (!isRecord(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) {
      throw new Error(`${where} must have the arrays paths and weights`);
    }
    for (const path of group.paths) {
      const local = typeof path === 'string' && path !== '' && !isAbsolute(path);
      if (!local || path.split(/[\\/]/).includes('..')) {
        throw new Error(
          `${where}: a path must name a file beside model.json, but is ${JSON.stringify(path)}`,
        );
      }
    }
    for (const weight of group.weights) checkWeight(weight, where);
  }
}

function checkWeight(weight: unknown, where: string): void {
  const { name, shape, dtype, quantization } = isRecord(weight) ? weight : {};
  const whole = Array.isArray(shape) && shape.every(isNatural);
  if (typeof name !== 'string' || !whole || typeof dtype !== 'string') {
    throw new Error(
      `${where}: a weight must have name, shape and dtype, but is ${JSON.stringify(weight)}`,
    );
  }
  if (quantization !== undefined) checkQuantization(quantization, `${where}: weight '${name}'`);
  const stored = isRecord(quantization) ? String(quantization.dtype) : dtype;
  if (stored !== 'string' && !Object.hasOwn(ELEMENT_BYTES, stored)) {
    throw new Error(`${where}: weight '${name}' has the unknown dtype '${stored}'`);
  }
}

function checkQuantization(value: unknown, what: string): void {
  const { dtype, scale, min } = isRecord(value) ? value : {};
  const numbers = [scale, min].every((n) => typeof n === 'number' && Number.isFinite(n));
  if (dtype === 'float16' || (['uint8', 'uint16'].includes(String(dtype)) && numbers)) return;
  throw new Error(
    `${what}: its quantization must have dtype, scale and min, but is ${JSON.stringify(value)}`,
  );
}

/** How many bytes the files of a group hold together. */
export function expectedBytes(group: tf.io.WeightsManifestConfig[number]): ExpectedBytes {
  let bytes = 0;
  let exact = true;
  for (const { shape, dtype, quantization } of group.weights) {
    const elements = shape.reduce((product, n) => product * n, 1);
    if (dtype === 'string') exact = false;
    // A string is stored as its length, 4 bytes, and its UTF-8.
    bytes += elements * (dtype === 'string' ? 4 : ELEMENT_BYTES[quantization?.dtype ?? dtype]);
  }
  return { bytes, exact };
}
