/**
 * The body of SpikeCLIP's image encoder: Spikingformer's parts, as separate classes because their weights have other
 * names.
 */
import { register } from '../layer';
import { SpikingformerBlock, type SpikingformerBlockConfig } from '../spikingformer/block';
import { SpikingTokenizer, type SpikingTokenizerConfig } from '../spikingformer/tokenizer';

/**
 * Options of {@link SpikeClipTokenizer}.
 *
 * @interface
 */
export type SpikeClipTokenizerConfig = SpikingTokenizerConfig;
/**
 * Options of {@link SpikeClipBlock}.
 *
 * @interface
 */
export type SpikeClipBlockConfig = SpikingformerBlockConfig;

/** See SpikingTokenizer. */
export class SpikeClipTokenizer extends SpikingTokenizer {
  static override className = 'SpikeClipTokenizer';
}

/** See SpikingformerBlock. */
export class SpikeClipBlock extends SpikingformerBlock {
  static override className = 'SpikeClipBlock';
}

export const spikeClipTokenizer = (config: SpikeClipTokenizerConfig) =>
  new SpikeClipTokenizer(config);
export const spikeClipBlock = (config: SpikeClipBlockConfig) => new SpikeClipBlock(config);

register(SpikeClipTokenizer);
register(SpikeClipBlock);
