/** MS-QKFormer's patch embedding: QKFormer's with a membrane shortcut (arXiv 2505.18608). */
import { register } from '../layer';
import { MembraneEmbed, type MembraneEmbedConfig } from '../parts/membrane_embed';

/**
 * Options of {@link MSQKFormerEmbed}.
 *
 * @interface
 */
export type MSQKFormerEmbedConfig = MembraneEmbedConfig;

/**
 * `[batch, time, height, width, channels]`, or an image if timeSteps is given -> real numbers at a fraction of the
 * size: see MembraneEmbed.
 */
export class MSQKFormerEmbed extends MembraneEmbed {
  static className = 'MSQKFormerEmbed';
}

/**
 * A {@link MSQKFormerEmbed} (arXiv 2505.18608): `[batch, time, height, width, channels]` or an image -> real numbers
 * at a fraction of the size.
 *
 * @throws if an option is unknown or invalid
 */
export const msqkFormerEmbed = (config: MSQKFormerEmbedConfig) => new MSQKFormerEmbed(config);

register(MSQKFormerEmbed);
