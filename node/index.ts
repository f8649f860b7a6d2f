/**
 * `tfjs-spikingformer/node`: what a Node process needs to run and save models. Importing it registers every class for
 * loading, makes wasm the backend if @tensorflow/tfjs-backend-wasm is installed and nothing faster is registered, and
 * lets tfjs-node run on Node 23 and later.
 *
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { fileHandler } from 'tfjs-spikingformer/node';
 *
 * await tf.ready(); // wasm starts asynchronously: wait before the first tensor
 * const model = await tf.loadLayersModel(fileHandler('./model'));
 * ```
 *
 * @module tfjs-spikingformer/node
 */
import './native/ops';
import './package_files';
import './tfjs_node_shim';
import './wasm_backend';
import { registerAll } from '../layers/register_all';

registerAll();

export { batches, type WorkerBatchOptions } from './batches';
export * from './datasets';
export { type ImageFolderOptions, imageFolder } from './datasets/image_folder';
export { type NpmTarballOptions, readNpmTarball } from './files/npm_tarball';
export { MpiRanks } from './mpi/ranks';
export { CheckpointCallback } from './runs/checkpoint_callback';
export { type CheckpointOnDisk, openCheckpointFile } from './runs/checkpoint_file';
export {
  CheckpointError,
  type CheckpointManifest,
  CheckpointStore,
  type CheckpointStoreOptions,
  type LoadedCheckpoint,
} from './runs/checkpoints';
export { fileHandler } from './runs/file_handler';
export { type KeptTeacherOptions, keptTeacher } from './runs/kept_teacher';
export { csvObserver, tensorboardObserver } from './runs/metrics_files';
export { numericEnvironment } from './runs/numeric_environment';
export { type FileTokenizer, packagedTokenizer, readTokenizer } from './tokenizer';
