/** Networks with trained weights, by name: from the package's folder in Node, from an address in a page. */
import * as tf from '@tensorflow/tfjs';
import { didYouMean } from '../lib/did_you_mean';
import { packageFiles, type ReadPackageFile } from '../lib/package_files';
import { checkKeys, invalid } from '../lib/validate';
import { isTrainedModel, type TrainedModelName, trainedModels } from './trained_models';

/** Where `load` gets a trained model. */
export interface LoadOptions {
  /**
   * Address of a copy of the package's folder weights, such as 'weights' beside the page, or
   * 'https://cdn.jsdelivr.net/npm/tfjs-spikingformer@VERSION/weights'. Default, in Node only: the package's own.
   */
  from?: string | URL;
}

/**
 * A trained network that the package has, ready to predict or to be trained further.
 *
 * ```ts
 * const model = await spiking.models.load('digits', { from: 'weights' }); // weights/digits/model.json beside the page
 * ```
 *
 * In Node `import 'tfjs-spikingformer/node'` makes `from` unnecessary. Nothing is fetched from elsewhere than `from`.
 *
 * @throws if there is no model of that name, a page gives no `from`, or a file is missing or has another SHA-256 than
 *   `trainedModels` states, before it is used; the error names the file
 */
export async function load(
  name: TrainedModelName,
  options: LoadOptions = {},
): Promise<tf.LayersModel> {
  if (!isTrainedModel(name)) {
    const names = Object.keys(trainedModels);
    throw invalid('name', `one of ${names.join(', ')}${didYouMean(String(name), names)}`, name);
  }
  checkKeys('load', options, ['from']);
  const read = readerOf(options.from);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of Object.keys(trainedModels[name].files)) {
    files.set(file, await readChecked(read, name, file));
  }
  await tf.ready(); // wasm starts asynchronously, and the model's weights are its first tensors
  const json = JSON.parse(new TextDecoder().decode(files.get('model.json'))) as tf.io.ModelJSON;
  const { weightsManifest, ...artifacts } = json;
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const paths = weightsManifest.flatMap((group) => group.paths);
  const weightData = await new Blob(paths.map((path) => files.get(path)!)).arrayBuffer();
  return tf.loadLayersModel(tf.io.fromMemory({ ...artifacts, weightSpecs, weightData }));
}

function readerOf(from: LoadOptions['from']): ReadPackageFile {
  if (from === undefined) {
    const read = packageFiles();
    if (read) return (path) => read(`weights/${path}`);
    throw invalid(
      'from',
      "the address of a copy of the package's folder weights (in Node, `import 'tfjs-spikingformer/node'` finds it)",
      from,
    );
  }
  const base = String(from).replace(/\/+$/, '');
  return async (path) => {
    const address = `${base}/${path}`;
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} cannot be loaded: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

async function readChecked(read: ReadPackageFile, name: TrainedModelName, file: string) {
  const path = `${name}/${file}`;
  const bytes = Uint8Array.from(await read(path)); // its own buffer, whatever the reader's was a part of
  const { sha256 } = trainedModels[name].files[file]!;
  const got = await sha256Of(bytes);
  if (got === sha256) return bytes;
  throw new Error(`weights/${path} must have SHA-256 ${sha256}, but has ${got}`);
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new Error('models.load needs crypto.subtle, which pages have by https and on localhost');
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
