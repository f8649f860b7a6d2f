/** Whole networks, and the paper's own by name. */
export { countParameters, type ParameterCount } from './parameters';
export { create, list, presetConfig } from './registry';
export { type SpikingformerConfig, spikingformer } from './spikingformer';
