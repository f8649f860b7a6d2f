/** The math of spiking networks on tensors: pure functions, and the kernels beneath them. */
import { registerGradients } from './kernels/register_gradients';

registerGradients();

export {
  type MultiHeadSpikingAttentionParams,
  multiHeadSpikingAttention,
  type SpikingAttentionParams,
  spikingAttention,
} from './attention';
export {
  type BatchNormOutput,
  type BatchNormParams,
  batchNormInference,
  batchNormTraining,
} from './batch_norm';
export { type ChooseBackendOptions, chooseBackend } from './choose_backend';
export { checkTokenIds } from './embedding';
export {
  type AnySurrogateName,
  registerSurrogate,
  type SurrogateDefinition,
  type SurrogateName,
  surrogateGradient,
  surrogateNames,
} from './kernels/surrogate';
export { type LayerNormParams, layerNorm } from './layer_norm';
export { type MaxPoolParams, maxPool2d } from './max_pool';
export {
  multiStepIF,
  multiStepIFState,
  multiStepLIF,
  multiStepLIFState,
  multiStepPLIF,
  multiStepPLIFState,
  type NeuronOutput,
} from './neuron';
export type { IFParams, LIFParams, PLIFParams } from './neuron_params';
export { type NeuronTrace, neuronTrace } from './neuron_trace';
export { spike } from './spike';
export { type TokenScoreParams, tokenScores } from './token_scores';
