/** Whole networks, and the paper's own by name; and what one does next with a trained one. */
export { type CopyReport, copyWeights } from './copy_weights';
export { fuseBatchNorm } from './fuse_batch_norm';
export { logitsPerStep } from './logits_per_step';
export { countParameters, type ParameterCount } from './parameters';
export { withInputShape, withTimeSteps } from './rebuild';
export { create, list, type ModelConfig, presetConfig } from './registry';
export { type SpikformerConfig, spikformer } from './spikformer';
export { type SpikingformerConfig, spikingformer } from './spikingformer';
