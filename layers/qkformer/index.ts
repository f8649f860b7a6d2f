/** The parts of a QKFormer (Zhou et al., NeurIPS 2024, arXiv 2403.16552). */
export { QKFormerBlock, type QKFormerBlockConfig, qkFormerBlock } from './block';
export { QKAttention, type QKAttentionConfig, qkAttention } from './qk_attention';
export { Speds, type SpedsConfig, type SpedsStage, speds } from './speds';
