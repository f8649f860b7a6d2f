/** Words taken away at random, so that a network learns from all of a sentence (word dropout, Iyyer et al., ACL 2015). */
import { checkKeys, invalid } from '../../lib/validate';
import { configured, type Transform } from './transform';
import type { TextTransformOptions } from './transform_options';

/**
 * For ids of a sentence `[tokens]`: each token that is no padding becomes `unknownId` with that probability.
 *
 * @throws if probability is not from 0 to below 1, or an id is no whole number from 0
 */
export function wordDropout(options: TextTransformOptions): Transform {
  checkKeys('wordDropout', options, ['probability', 'unknownId', 'padId']);
  const { probability, unknownId, padId } = options;
  if (!(probability >= 0 && probability < 1)) {
    throw invalid('probability', 'a number from 0 to below 1', probability);
  }
  for (const [name, id] of Object.entries({ unknownId, padId })) {
    if (!Number.isSafeInteger(id) || id < 0) throw invalid(name, 'an id from 0', id);
  }
  const drop: Transform = (sample, random) => ({
    ...sample,
    data: sample.data.map((id) =>
      id !== padId && random.next() < probability ? unknownId : id,
    ) as Float32Array,
  });
  return configured(drop, { name: 'text', options });
}
