/**
 * Models on disk in tfjs's layers-model format, without tfjs-node: `model.json` and the weights next to it. Saving is
 * atomic: the weights go into a file named by their hash, then model.json is replaced, and the old weights are removed
 * last, so that at every moment `model.json` describes one complete model, the old or the new.
 */
import fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../../lib/validate';
import {
  errorCode,
  fileError,
  readPieces,
  removeStaleTemporaries,
  type SizedFile,
  writeAtomically,
} from '../files/files';
import { hashOf } from '../files/hash';
import { lock } from '../files/lock';
import { expectedBytes, parseModelJson } from './_weights_manifest';

type Manifest = tf.io.WeightsManifestConfig;

/** How many times to read an unchanged model.json with its weights before giving up. */
const TRIES = 3;
/** How long a save waits for another process that saves to the same path. */
const WAIT_MS = 300_000;

/** Saves of this process to the same path wait for each other, in order. */
const saving = new Map<string, Promise<unknown>>();

/**
 * An IOHandler for `model.save` and `tf.loadLayersModel`.
 *
 * ```ts
 * await model.save(fileHandler('./runs/mnist'));                 // ./runs/mnist/model.json
 * const model = await tf.loadLayersModel(fileHandler('./runs/mnist'));
 * ```
 *
 * It also loads what tfjs-node's file:// handler and the Keras converter write, including shards. Loading waits for the
 * backend to start.
 *
 * @param path a directory, made if missing, or a path that ends in .json
 * @throws when used, if a file is missing, damaged, or of another size than model.json states; the error names it
 */
export function fileHandler(path: string | URL): tf.io.IOHandler {
  const given = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof given !== 'string' || given === '' || /^[a-z][a-z0-9+.-]+:\/\//i.test(given)) {
    throw invalid('path', 'a path in the file system, without a scheme such as file://', given);
  }
  const target = resolve(given);
  return {
    save: (artifacts) => save(target, artifacts),
    load: () => load(target),
  };
}

/** The model.json that a path refers to: the path itself if it is a file or ends in .json, else a file inside it. */
async function jsonPathOf(target: string, toSave: boolean): Promise<string> {
  const stats = await fs.stat(target).catch((error) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw fileError(`cannot access ${target}`, error);
  });
  if (stats?.isDirectory()) return join(target, 'model.json');
  if (target.endsWith('.json')) return target;
  if (stats === null) return join(target, 'model.json');
  if (!toSave) return target;
  throw new Error(
    `path must be a directory or end in .json to save there, but ${target} is a file`,
  );
}

async function save(target: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { modelTopology } = artifacts;
  if (modelTopology == null || modelTopology instanceof ArrayBuffer) {
    throw invalid('modelTopology', 'a JSON object (a layers model)', modelTopology);
  }
  const jsonPath = await jsonPathOf(target, true);
  const before = saving.get(jsonPath) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(() => write(jsonPath, artifacts));
  saving.set(jsonPath, mine);
  try {
    await mine;
  } finally {
    if (saving.get(jsonPath) === mine) saving.delete(jsonPath);
  }
  return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
}

async function write(jsonPath: string, artifacts: tf.io.ModelArtifacts): Promise<void> {
  const { weightData = [], weightSpecs = [], ...rest } = artifacts;
  const parts = (Array.isArray(weightData) ? weightData : [weightData]).map(
    (buffer) => new Uint8Array(buffer),
  );

  const directory = dirname(jsonPath);
  const stem = basename(jsonPath, '.json');
  const weightsFile = `${stem}.weights.${hashOf(parts).slice(0, 16)}.bin`;
  const weightsManifest: Manifest = [{ paths: [weightsFile], weights: weightSpecs }];
  const { getWeightStream: _, ...json } = rest;

  await fs.mkdir(directory, { recursive: true }).catch((error) => {
    throw fileError(`cannot make the directory ${directory}`, error);
  });
  // For other processes: none may remove weights that another has just written.
  const place = join(directory, `.${stem}.lock`);
  const held = await lock(place, { doing: `saving ${jsonPath}`, wait: WAIT_MS, brief: true });
  try {
    await removeStaleTemporaries(directory, (name) => name.startsWith(`${stem}.`));
    const old = await ownWeights(jsonPath);
    await writeAtomically(join(directory, weightsFile), parts);
    const text = JSON.stringify({ ...json, weightsManifest });
    await writeAtomically(jsonPath, [new TextEncoder().encode(text)]);
    for (const name of old) if (name !== weightsFile) await removeUnused(directory, name);
  } finally {
    held.release();
  }
}

/** The weight files that `jsonPath` names and that this handler has named. */
async function ownWeights(jsonPath: string): Promise<string[]> {
  try {
    const { weightsManifest } = parseModelJson(await fs.readFile(jsonPath, 'utf8'), jsonPath);
    const names = (weightsManifest ?? []).flatMap((group) => group.paths);
    return names.filter((name) => /^[^\\/]+\.weights\.[0-9a-f]{16}\.bin$/.test(name));
  } catch {
    return []; // Nothing there yet, or not ours: nothing to remove.
  }
}

/** Removes a weight file unless another model.json in its directory, a copy, still needs it. */
async function removeUnused(directory: string, name: string): Promise<void> {
  for (const other of await fs.readdir(directory)) {
    if (!other.endsWith('.json')) continue;
    const text = await fs.readFile(join(directory, other), 'utf8').catch(() => '');
    if (text.includes(name)) return;
  }
  await fs.rm(join(directory, name), { force: true });
}

async function load(target: string): Promise<tf.io.ModelArtifacts> {
  await tf.ready(); // wasm starts asynchronously, and the caller makes tensors next.
  const jsonPath = await jsonPathOf(target, false);
  let text = await readJson(jsonPath);
  for (let tries = 1; ; tries++) {
    const { weightsManifest, ...json } = parseModelJson(text, jsonPath);
    if (!weightsManifest) return json;
    try {
      const weightData = await readWeights(weightsManifest, jsonPath);
      return { ...json, weightSpecs: weightsManifest.flatMap((g) => g.weights), weightData };
    } catch (error) {
      // A save in the meantime has replaced model.json and removed the old weights; two saves may have restored what
      // was there before.
      const now = await readJson(jsonPath);
      if (now === text && tries >= TRIES) throw error;
      if (now !== text) tries = 0;
      text = now;
    }
  }
}

async function readJson(jsonPath: string): Promise<string> {
  try {
    return await fs.readFile(jsonPath, 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw fileError(`cannot read ${jsonPath}`, error);
    throw new Error(`no model at ${jsonPath}: expected a model.json or a directory that holds one`);
  }
}

/** The weights of all files as one buffer or, beyond 1 GiB, as several of that size. */
async function readWeights(manifest: Manifest, jsonPath: string): Promise<tf.io.WeightData> {
  const files: SizedFile[] = [];
  for (const group of manifest) {
    const paths = group.paths.map((path) => join(dirname(jsonPath), path));
    const sizes = await Promise.all(paths.map((path) => sizeOf(path, jsonPath)));
    const found = sizes.reduce((sum, size) => sum + size, 0);
    const { bytes, exact } = expectedBytes(group);
    if (exact ? found !== bytes : found < bytes) {
      throw new Error(
        `${paths.join(', ')}: expected ${exact ? '' : 'at least '}${bytes} bytes of weights, as ` +
          `${jsonPath} states, but found ${found}: the files are damaged or belong to another model`,
      );
    }
    paths.forEach((path, i) => {
      files.push({ path, size: sizes[i] });
    });
  }
  const pieces = await readPieces(files);
  return pieces.length === 1 ? pieces[0] : pieces;
}

async function sizeOf(file: string, jsonPath: string): Promise<number> {
  try {
    return (await fs.stat(file)).size;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw fileError(`cannot read ${file}`, error);
    throw new Error(`${file} is missing: ${jsonPath} names it among its weights`);
  }
}
