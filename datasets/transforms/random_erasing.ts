/** Random erasing (Zhong et al., arXiv 1708.04896) of normalized images, as timm 0.6.12 has it. */
import type { Random } from '../../lib/random';
import { checkCount, checkFinite, checkKeys, checkOneOf, invalid } from '../../lib/validate';
import { roundHalfToEven } from './image';

/** Options of `randomErasing` (arXiv 1708.04896). */
export interface RandomErasingOptions {
  /** Share of images that lose a part. timm: re_prob. Default 0.5. */
  probability?: number;
  /** 0 everywhere, one normal color a part, or normal noise. timm: re_mode. Default 'const'. */
  mode?: 'const' | 'rand' | 'pixel';
  /** 1 to so many parts, 1000 at most, which share the area. timm: re_count. Default 1. */
  maxCount?: number;
  /** Share of the image, least and greatest. Default [0.02, 1 / 3]. */
  area?: readonly [number, number];
  /** Height / width of a part, 1 / minAspect at most. Default 0.3. */
  minAspect?: number;
}

/** Checks the options and fills in the defaults. */
export function checkRandomErasing(options: RandomErasingOptions): Required<RandomErasingOptions> {
  const defaults: Required<RandomErasingOptions> = {
    probability: 0.5,
    mode: 'const',
    maxCount: 1,
    area: [0.02, 1 / 3],
    minAspect: 0.3,
  };
  checkKeys('randomErasing', options, Object.keys(defaults));
  const all = { ...defaults, ...options };
  const { probability, mode, maxCount, area, minAspect } = all;
  checkFinite('probability', probability);
  if (probability < 0 || probability > 1) throw invalid('probability', 'from 0 to 1', probability);
  checkOneOf('mode', mode, ['const', 'rand', 'pixel'] as const);
  checkCount('maxCount', maxCount, 1000);
  if (!Array.isArray(area) || !(area[0] >= 0 && area[0] <= area[1] && area[1] <= 1)) {
    throw invalid('area', 'two numbers from 0 to 1, the lesser first', area);
  }
  if (!(minAspect > 0 && minAspect <= 1))
    throw invalid('minAspect', 'above 0, 1 at most', minAspect);
  return all;
}

/**
 * Erases in place, in `[batch, height, width, channels]` or one image without the batch.
 *
 * @param randomOf the stream of each image, such as
 *   `(i) => new Random(seed, 'epoch', epoch, 'erase', batch.indices[i])`
 */
export function randomErasing(
  data: Float32Array,
  shape: readonly number[],
  options: RandomErasingOptions,
  randomOf: (image: number) => Random,
): void {
  const checked = checkRandomErasing(options);
  const [height, width, channels] = shape.slice(-3);
  const size = height * width * channels;
  const batch = shape.length === 4 ? shape[0] : 1;
  if ((shape.length !== 3 && shape.length !== 4) || data.length !== batch * size) {
    throw invalid('shape', `that of ${data.length} values [batch, height, width, channels]`, shape);
  }
  for (let i = 0; i < batch; i++) {
    const image = data.subarray(i * size, (i + 1) * size);
    erase(image, [height, width, channels], checked, randomOf(i));
  }
}

function erase(
  image: Float32Array,
  [height, width, channels]: [number, number, number],
  { probability, mode, maxCount, area, minAspect }: Required<RandomErasingOptions>,
  random: Random,
): void {
  if (random.next() > probability) return;
  const count = maxCount === 1 ? 1 : 1 + random.integer(maxCount);
  const logAspect = Math.log(minAspect);
  for (let part = 0; part < count; part++) {
    for (let attempt = 0; attempt < 10; attempt++) {
      const target = (random.uniform(...area) * height * width) / count;
      const aspect = Math.exp(random.uniform(logAspect, -logAspect));
      const h = roundHalfToEven(Math.sqrt(target * aspect));
      const w = roundHalfToEven(Math.sqrt(target / aspect));
      if (w >= width || h >= height) continue;
      const top = random.integer(height - h + 1);
      const left = random.integer(width - w + 1);
      const color = Array.from({ length: channels }, () => (mode === 'rand' ? random.normal() : 0));
      for (let y = top; y < top + h; y++) {
        for (let x = left; x < left + w; x++) {
          const at = (y * width + x) * channels;
          for (let c = 0; c < channels; c++) {
            image[at + c] = mode === 'pixel' ? random.normal() : color[c];
          }
        }
      }
      break;
    }
  }
}
