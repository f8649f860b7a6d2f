/**
 * tfjs-spikingformer: spiking layers for TensorFlow.js. Importing it registers every class for loading.
 *
 * @module tfjs-spikingformer
 */
import { registerAll } from './layers/register_all';

registerAll();

export {
  type BackendReport,
  type CheckBackendOptions,
  checkBackend,
} from './analysis/check_backend';
export { type ObserveOptions, observe } from './analysis/observe';
export * as interop from './interop';
export * as layers from './layers';
export { emitSpikes } from './layers/spikes';
export * from './lib';
export * as models from './models';
