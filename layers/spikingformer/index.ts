/** The parts of a Spikingformer (Zhou et al., arXiv 2304.11954): neurons before each convolution. */
export { SpikingformerBlock, type SpikingformerBlockConfig, spikingformerBlock } from './block';
export { SpikingMLP, type SpikingMLPConfig, spikingMLP } from './mlp';
export {
  SpikingSelfAttention,
  type SpikingSelfAttentionConfig,
  spikingSelfAttention,
} from './self_attention';
export { SpikingTokenizer, type SpikingTokenizerConfig, spikingTokenizer } from './tokenizer';
