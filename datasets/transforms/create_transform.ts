/** A transform from its configuration: how worker threads come by the same one. */
import { checkKeys, checkOneOf } from '../../lib/validate';
import { eventTransforms } from './event_transforms';
import { evalTransforms, trainTransforms } from './image_transforms';
import type { Transform, TransformConfig } from './transform';
import { wordDropout } from './word_dropout';

/**
 * The transform that a configuration describes, as worker threads receive it.
 *
 * @throws if the name or an option is unknown or invalid
 */
export function createTransform(config: TransformConfig): Transform {
  checkKeys('transform', config, ['name', 'options']);
  checkOneOf('name', config.name, ['train', 'eval', 'events', 'text'] as const);
  if (config.name === 'train') return trainTransforms(config.options);
  if (config.name === 'eval') return evalTransforms(config.options);
  return config.name === 'events' ? eventTransforms(config.options) : wordDropout(config.options);
}
