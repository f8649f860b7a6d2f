/** The parts of a Spike-driven Transformer (Yao et al., arXiv 2307.01694): neurons before each convolution, masks for attention. */
export {
  SpikeDrivenAttention,
  type SpikeDrivenAttentionConfig,
  spikeDrivenAttention,
} from './attention';
export { SpikeDrivenBlock, type SpikeDrivenBlockConfig, spikeDrivenBlock } from './block';
export { SpikeDrivenMLP, type SpikeDrivenMLPConfig, spikeDrivenMLP } from './mlp';
export {
  SpikeDrivenTokenizer,
  type SpikeDrivenTokenizerConfig,
  spikeDrivenTokenizer,
} from './tokenizer';
