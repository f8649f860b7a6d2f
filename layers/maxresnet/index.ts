/** The parts of a Max-ResNet (Fang et al., NeurIPS 2025, arXiv 2505.18608). */
export { MaxResNetBlock, type MaxResNetBlockConfig, maxResNetBlock } from './block';
export { MaxResNetStem, type MaxResNetStemConfig, maxResNetStem } from './stem';
