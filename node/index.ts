/**
 * `tfjs-spikingformer/node`: what a Node process needs to run and keep models. Importing it
 * registers every class for loading, makes wasm the backend where @tensorflow/tfjs-backend-wasm is
 * installed and nothing faster is registered, and lets tfjs-node run on Node 23 and later.
 *
 *   import * as tf from '@tensorflow/tfjs';
 *   import { fileHandler } from 'tfjs-spikingformer/node';
 *
 *   await tf.ready(); // wasm starts asynchronously: wait before the first tensor
 *   const model = await tf.loadLayersModel(fileHandler('./model'));
 */
import './native_ops';
import './tfjs_node_shim';
import './wasm_backend';
import { registerAll } from '../layers/register_all';

registerAll();

export { batches, type WorkerBatchOptions } from './batches';
export { CheckpointCallback } from './checkpoint_callback';
export { type CheckpointOnDisk, openCheckpointFile } from './checkpoint_file';
export {
  CheckpointError,
  type CheckpointManifest,
  CheckpointStore,
  type CheckpointStoreOptions,
  type LoadedCheckpoint,
} from './checkpoints';
export * from './datasets';
export { fileHandler } from './file_handler';
export { type ImageFolderOptions, imageFolder } from './image_folder';
export { csvObserver, tensorboardObserver } from './metrics_files';
export { type NpmTarballOptions, readNpmTarball } from './npm_tarball';
export { numericEnvironment } from './numeric_environment';
