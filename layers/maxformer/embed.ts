/** Max-Former's patch embedding: adds a max pool to the shortcut of later stages (arXiv 2505.18608). */
import { register } from '../layer';
import { MembraneEmbed, type MembraneEmbedConfig } from '../parts/membrane_embed';

/**
 * Options of {@link MaxFormerEmbed}.
 *
 * @interface
 */
export type MaxFormerEmbedConfig = MembraneEmbedConfig;

/**
 * `[batch, time, height, width, channels]`, or an image if timeSteps is given -> real numbers at a fraction of the
 * size: see MembraneEmbed.
 */
export class MaxFormerEmbed extends MembraneEmbed {
  static className = 'MaxFormerEmbed';
}

/**
 * A {@link MaxFormerEmbed} (arXiv 2505.18608): `[batch, time, height, width, channels]` or an image -> real numbers
 * at a fraction of the size.
 *
 * @throws if an option is unknown or invalid
 */
export const maxFormerEmbed = (config: MaxFormerEmbedConfig) => new MaxFormerEmbed(config);

register(MaxFormerEmbed);
