/** The parts of a Spikformer (Zhou et al., arXiv 2209.15425): neurons after each convolution. */
export { SpikformerBlock, type SpikformerBlockConfig, spikformerBlock } from './block';
export { SpikformerMLP, type SpikformerMLPConfig, spikformerMLP } from './mlp';
export {
  SpikformerSelfAttention,
  type SpikformerSelfAttentionConfig,
  spikformerSelfAttention,
} from './self_attention';
export {
  SpikformerTokenizer,
  type SpikformerTokenizerConfig,
  spikformerTokenizer,
} from './tokenizer';
