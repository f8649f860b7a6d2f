/** Files of weights that `convert` reads and writes: the format of a path, and its SHA-256. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { hashFile } from '../node/files/hash';
import { UsageError } from './shared/errors';

export type Format = 'tfjs' | 'torch' | 'safetensors' | 'onnx';

const torchName = /\.(pth|pt|bin|ckpt|pth\.tar|tar)$/i;

/** Whether files of that format hold a whole network with all of its weights. */
export const holdsNetwork = (format: Format) => format === 'tfjs' || format === 'onnx';

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Whether an input is a tfjs model, as far as its path shows; else it is a file of another format. */
export function isModelPath(path: string): boolean {
  return isDirectory(path) || (path.endsWith('.json') && !isIndexPath(path));
}

/** Whether it is the index of a checkpoint in several files. */
function isIndexPath(path: string): boolean {
  return path.endsWith('.index.json');
}

/** The format that an output's name selects. */
export function outputFormat(path: string): Format {
  if (path.endsWith('.safetensors')) return 'safetensors';
  if (path.endsWith('.onnx')) return 'onnx';
  if (torchName.test(path)) return 'torch';
  if (path.endsWith('.json') || isDirectory(path) || /(^|[\\/])[^.\\/]+[\\/]?$/.test(path))
    return 'tfjs';
  throw new UsageError(
    'OUT must end in .pth.tar, .pth, .pt, .bin, .safetensors or .onnx, or be a model.json or a directory, ' +
      `but got '${path}'`,
  );
}

/** The model.json of a model's path. */
export function modelJson(path: string): string {
  return path.endsWith('.json') && !isDirectory(path) ? path : join(path, 'model.json');
}

/** Whether writing there would replace something. */
export function exists(path: string, format: Format): boolean {
  return existsSync(format === 'tfjs' ? modelJson(path) : path);
}

export interface FileSum {
  path: string;
  bytes: number;
  sha256: string;
}

/** The files behind a path with their SHA-256: a model's are its model.json and its weights. */
export async function sums(path: string, format: Format): Promise<FileSum[]> {
  const files = [path];
  if (isIndexPath(path)) {
    const { weight_map } = JSON.parse(readFileSync(path, 'utf8')) as {
      weight_map: Record<string, string>;
    };
    files.push(...new Set(Object.values(weight_map).map((name) => join(dirname(path), name))));
  } else if (format === 'tfjs') {
    const json = modelJson(path);
    const { weightsManifest = [] } = JSON.parse(readFileSync(json, 'utf8')) as tf.io.ModelJSON;
    const weights = weightsManifest.flatMap((group) => group.paths);
    files.splice(0, 1, json, ...weights.map((name) => join(dirname(resolve(json)), name)));
  }
  return Promise.all(files.map(sum));
}

async function sum(path: string): Promise<FileSum> {
  const { digest, bytes } = await hashFile(path, 'sha256');
  return { path, bytes, sha256: digest };
}
