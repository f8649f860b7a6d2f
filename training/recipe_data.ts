/** The data of a recipe: a data set by its name, or a folder of your own with what was found in it. */
import * as z from 'zod';
import { type DataSetDescription, type DataSetName, dataSets } from '../datasets/data_sets';

/** What `data.name` is for samples of your own. */
export const ownDataNames = ['own-images', 'own-events'] as const;
export type OwnDataName = (typeof ownDataNames)[number];

const count = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const side = z.int().min(1).max(4096);
/** Together they must leave room for the rest of a recipe. */
const MOST_NAMES = 40_000;

const known = Object.keys(dataSets) as [DataSetName];

/** Of your own data only. */
const own = {
  /** Where the samples are; `--data` stands against it. */
  folder: z.string().min(1).max(4096).optional(),
  /** The share of each class that is held out if there is no folder for it. Default 0.1. */
  split: z.number().gt(0).lt(1).optional(),
  /** Height and width that the network takes; found if missing. */
  size: z.tuple([side, side]).optional(),
  /** Height and width of the camera, for recordings that do not state it; found if missing. */
  sensor: z.tuple([side, side]).optional(),
  channels: z.literal([1, 3]).optional(),
  classNames: z
    .array(z.string().min(1).max(255))
    .min(2, 'must be two or more')
    .refine((names) => names.join().length <= MOST_NAMES, `must have ${MOST_NAMES} letters at most`)
    .refine((names) => new Set(names).size === names.length, 'must differ')
    .optional(),
  mean: z.array(z.number().min(0).max(1)).min(1).max(3).optional(),
  std: z.array(z.number().positive().max(1)).min(1).max(3).optional(),
  /** How many samples were found. */
  samples: z.strictObject({ train: count, test: count }).optional(),
};

export const dataSchema = z.strictObject({
  name: z.enum([...known, ...ownDataNames]),
  /** How events become frames; their number is the model's timeSteps. */
  splitBy: z.enum(['number', 'time']).optional(),
  /** Only the first so many samples of each split. */
  trainSamples: count.optional(),
  testSamples: count.optional(),
  ...own,
});

export type RecipeData = z.infer<typeof dataSchema>;

/** Keys of your own data. */
export const ownDataKeys = Object.keys(own) as (keyof typeof own)[];

export const isOwnData = (name: string): name is OwnDataName =>
  (ownDataNames as readonly string[]).includes(name);

/** Whether the samples are images of any size, which a transform makes one size. */
export const isOwnImages = ({ name }: Pick<RecipeData, 'name'>) => name === 'own-images';

/** What the network is built for. Of your own data that nobody has looked at yet: two classes at 32 x 32. */
export function describeData(data: RecipeData): DataSetDescription {
  const { name, size = [32, 32], channels = 3, classNames = ['', ''], samples, mean, std } = data;
  if (!isOwnData(name)) return dataSets[name];
  const kind = name === 'own-images' ? 'images' : 'events';
  return {
    kind,
    sample: [...size, kind === 'events' ? 2 : channels],
    classes: classNames.length,
    samples: samples ?? { train: Infinity, test: Infinity },
    ...(mean && std && { mean, std }),
  };
}

/** @throws unless it is known what the data are */
export function checkFound({ name, size, classNames }: RecipeData): void {
  if (!isOwnData(name) || (size && classNames)) return;
  throw new Error(
    `data ${name} must have size and classNames, which \`spikingformer train --data FOLDER\` finds`,
  );
}
