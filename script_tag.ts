/**
 * What a page gets as `spiking` from one file beside tf.min.js: layers, functions, models, what
 * looks inside, and safetensors. Readers of PyTorch's own files and of data sets are for bundlers.
 * families/ has the same with one family of networks each.
 * With tfjs's wasm backend goes spikingformer-wasm.min.js, as a page for other backends need not load it.
 *
 * ```html
 * <script src="https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@4.22.0/dist/tf.min.js"></script>
 * <script src="https://cdn.jsdelivr.net/npm/tfjs-spikingformer/dist/spikingformer.min.js"></script>
 * ```
 */
import { readSafetensors, SafetensorsError, writeSafetensors } from './interop/safetensors';
import { loadTorchStateDict, toTorchStateDict } from './interop/torch';

export { checkBackend } from './analysis/check_backend';
export { observe } from './analysis/observe';
export * as layers from './layers';
export { emitSpikes } from './layers/spikes';
export * from './lib';
export * as models from './models';
export const interop = {
  loadTorchStateDict,
  readSafetensors,
  SafetensorsError,
  toTorchStateDict,
  writeSafetensors,
};
