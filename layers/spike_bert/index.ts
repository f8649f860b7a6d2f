/** The parts of a SpikeBERT (Lv et al., arXiv 2308.15122): Spikformer's blocks on text tokens, with layer norms. */
export { SpikeBertBlock, type SpikeBertBlockConfig, spikeBertBlock } from './block';
export { SpikeBertMLP, type SpikeBertMLPConfig, spikeBertMLP } from './mlp';
export {
  SpikeBertSelfAttention,
  type SpikeBertSelfAttentionConfig,
  spikeBertSelfAttention,
} from './self_attention';
export { SpikeBertTransform, spikeBertTransform } from './transform';
