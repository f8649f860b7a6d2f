/** The parts of an SGLFormer (Zhang et al., Frontiers in Neuroscience 2024, doi 10.3389/fnins.2024.1371290). */
export {
  SGLFormerGlobalBlock,
  type SGLFormerGlobalBlockConfig,
  sglFormerGlobalBlock,
} from './global_block';
export {
  SGLFormerLocalBlock,
  type SGLFormerLocalBlockConfig,
  sglFormerLocalBlock,
} from './local_block';
export { SGLFormerReadout, sglFormerReadout } from './readout';
export {
  SGLFormerSelfAttention,
  type SGLFormerSelfAttentionConfig,
  sglFormerSelfAttention,
} from './self_attention';
export {
  SGLFormerTokenizer,
  type SGLFormerTokenizerConfig,
  sglFormerTokenizer,
} from './tokenizer';
export { SGLFormerUnit, type SGLFormerUnitConfig, sglFormerUnit } from './unit';
