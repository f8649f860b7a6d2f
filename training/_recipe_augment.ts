/** The augmentation of a recipe, and the kinds of data that each part of it is for. */
import * as z from 'zod';
import type { DataSetDescription } from '../datasets/data_sets';
import type { Complain } from './recipe';

type Kind = DataSetDescription['kind'];

const share = z.number().min(0).max(1);
const range = z.tuple([z.number().positive(), z.number().positive()]);
export const augmentSchema = z.strictObject({
  scale: range.optional(),
  ratio: range.optional(),
  hflip: share.optional(),
  vflip: share.optional(),
  autoAugment: z.string().nullable().optional(),
  colorJitter: z.number().min(0).nullable().optional(),
  interpolation: z.enum(['bilinear', 'bicubic', 'random']).optional(),
  erasing: z
    .strictObject({
      probability: share.optional(),
      mode: z.enum(['const', 'rand', 'pixel']).optional(),
      maxCount: z.int().min(1).max(1000).optional(),
    })
    .optional(),
  /** For event frames. */
  policy: z.enum(['snn-augment-wide', 'nda', 'none']).optional(),
  intensity: z.int().min(1).max(100).optional(),
  /** For text: the chance of each token to be taken away. */
  wordDropout: z.number().min(0).lt(1).optional(),
});

const kindsOf: Readonly<Record<keyof z.infer<typeof augmentSchema>, readonly Kind[]>> = {
  scale: ['images'],
  ratio: ['images'],
  hflip: ['images', 'events'],
  vflip: ['images'],
  autoAugment: ['images'],
  colorJitter: ['images'],
  interpolation: ['images'],
  erasing: ['images'],
  policy: ['events'],
  intensity: ['events'],
  wordDropout: ['text'],
};

export function checkAugment(
  augment: z.infer<typeof augmentSchema>,
  kind: Kind,
  complain: Complain,
): void {
  for (const key of Object.keys(augment) as (keyof typeof kindsOf)[]) {
    if (!kindsOf[key].includes(kind)) {
      complain(['augment', key], `is for ${kindsOf[key].join(' and ')} only`);
    }
  }
}
