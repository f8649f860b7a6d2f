/** A transform from its configuration: how worker threads come by the same one. */
import { checkKeys, checkOneOf } from '../../lib/validate';
import { eventTransforms } from './event_transforms';
import { evalTransforms, trainTransforms } from './image_transforms';
import type { Transform, TransformConfig } from './transform';

export function createTransform(config: TransformConfig): Transform {
  checkKeys('transform', config, ['name', 'options']);
  checkOneOf('name', config.name, ['train', 'eval', 'events'] as const);
  if (config.name === 'train') return trainTransforms(config.options);
  return config.name === 'eval' ? evalTransforms(config.options) : eventTransforms(config.options);
}
