/** The parts of SpikeCLIP (Lv et al., arXiv 2310.06488): encoders of images and prompts into CLIP's space. */
export {
  SpikeClipBlock,
  type SpikeClipBlockConfig,
  SpikeClipTokenizer,
  type SpikeClipTokenizerConfig,
  spikeClipBlock,
  spikeClipTokenizer,
} from './body';
export {
  type NormLayout,
  SpikeClipTextBlock,
  type SpikeClipTextBlockConfig,
  spikeClipTextBlock,
} from './text_block';
export {
  SpikeClipTextEncoder,
  type SpikeClipTextEncoderConfig,
  spikeClipTextEncoder,
} from './text_encoder';
export { TimeWeightedSum, timeWeightedSum } from './time_weighted_sum';
