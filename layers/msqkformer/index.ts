/** The parts of an MS-QKFormer, QKFormer with membrane shortcuts (Fang et al., NeurIPS 2025, arXiv 2505.18608). */
export { MSQKFormerBlock, type MSQKFormerBlockConfig, msqkFormerBlock } from './block';
export { MSQKFormerEmbed, type MSQKFormerEmbedConfig, msqkFormerEmbed } from './embed';
