/** The parts of a Max-Former (Fang et al., NeurIPS 2025, arXiv 2505.18608). */
export { MaxFormerBlock, type MaxFormerBlockConfig, maxFormerBlock } from './block';
export { MaxFormerEmbed, type MaxFormerEmbedConfig, maxFormerEmbed } from './embed';
