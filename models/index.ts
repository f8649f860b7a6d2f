/**
 * Whole networks, also the papers' by name, and tools for a trained network.
 *
 * @packageDocumentation
 */
export { type CopyReport, copyWeights } from './copy_weights';
export { registerFamily } from './families';
export type { AuthorsCode, Family, FamilyConfig } from './family';
export { fuseBatchNorm } from './fuse_batch_norm';
export { type LoadOptions, load } from './load';
export { logitsPerStep } from './logits_per_step';
export { type MaxFormerConfig, maxformer } from './maxformer';
export { type MaxResNetConfig, maxResnet } from './maxresnet';
export { type MSQKFormerConfig, msQkformer } from './msqkformer';
export type { NetworkOption, NetworkOptions } from './options';
export { countParameters, type ParameterCount } from './parameters';
export type { AnyPresetName, PresetName } from './preset_names';
export { type QKFormerConfig, qkformer } from './qkformer';
export { type QuantizedModel, type QuantizedWeight, quantize } from './quantize';
export { stepByStep, withInputShape, withTimeSteps } from './rebuild';
export { create, list, type ModelConfig, presetConfig } from './registry';
export { type SGLFormerConfig, sglformer } from './sglformer';
export { type SpikeBertConfig, spikeBert } from './spike_bert';
export { type SpikeClipImageConfig, spikeClipImage } from './spike_clip_image';
export { type SpikeClipTextConfig, spikeClipText } from './spike_clip_text';
export {
  type SpikeDrivenTransformerConfig,
  spikeDrivenTransformer,
} from './spike_driven_transformer';
export { type SpikformerConfig, spikformer } from './spikformer';
export { type SpikingformerConfig, spikingformer } from './spikingformer';
export type { LayerNames, LayerPlace, Shapes, Sizes, TorchEntry } from './torch_names';
export { type TrainedModel, type TrainedModelName, trainedModels } from './trained_models';
export { classEmbeddings, zeroShot } from './zero_shot';
