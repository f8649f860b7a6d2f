/** The contents of a training recipe, and which recipes are valid. */
import * as z from 'zod'; // Not { z }: bundlers can then drop the unused parts, and Parcel finds it.
import type { DataSetDescription } from '../datasets/data_sets';
import { isKeepTokens } from '../lib/kept_tokens';
import { allFamilies, familyNamed } from '../models/families';
import type { Family } from '../models/family';
import type { NetworkOption, NetworkOptions } from '../models/options';
import { familyOfPreset, list, type ModelConfig, presetConfig } from '../models/registry';
import { augmentSchema, checkAugment } from './_recipe_augment';
import { checkLoss, distillationSchema, lossSchema } from './_recipe_loss';
import { checkSizes } from './_recipe_sizes';
import { dataSchema, describeData, isOwnData, ownDataKeys } from './recipe_data';

/** For a recipe that names neither a preset nor a family. */
export const defaultFamily = 'spikingformer';

const share = z.number().min(0).max(1);
/** Limits what could allocate without end: far above any real use, far below what hangs a machine. */
const counted = (most: number, least = 1) => z.int().min(least).max(most);
const count = counted(2 ** 31 - 1);
const index = counted(100_000, 0); // of an epoch
const epochs = counted(100_000);
const batch = counted(65_536);
const rate = z.number().positive().max(100);

/**
 * A network is given by a preset of `models.list()`, or by a family and its options; data determines input and classes.
 */
export interface RecipeModel extends Partial<Omit<ModelConfig, 'inputShape' | 'numClasses'>> {
  preset?: string;
  /** Default 'spikingformer'. */
  family?: string;
}

/** A number of tokens, a share below 1, or a list with one of these per block. */
const keptTokens = z.custom<number | (number | null)[]>(
  (value) => [value].flat().every((n) => isKeepTokens(n) || (n === null && value !== null)),
  'must be a whole number of tokens, a share of them below 1, or a list with one of these per block',
);

/** The schema of one option of a family. */
function optionSchema({ type, oneOf, nullable, min, max: most }: NetworkOption): z.ZodType {
  const max = most ?? (type.startsWith('integer') ? 65_536 : Infinity);
  const integer = z
    .int()
    .min(min ?? 1)
    .max(max);
  const types = {
    integer,
    integers: z.array(integer).min(1, 'must be a list of at least one'),
    positive: (min === undefined ? z.number().positive() : z.number().min(min)).max(max),
    number: z.number(),
    boolean: z.boolean(),
    string: z.string(),
    shape: z.array(z.int()),
    tokens: keptTokens,
  };
  const schema = oneOf ? z.literal([...oneOf]) : types[type];
  return (nullable ? schema.nullable() : schema).optional();
}

/** A preset, or the family's options. */
function modelSchema(family: Family): z.ZodType<RecipeModel> {
  const options = Object.entries(recipeOptions(family));
  return z.strictObject({
    preset: z.string().optional(),
    family: z.string().optional(),
    ...Object.fromEntries(options.map(([key, option]) => [key, optionSchema(option)])),
  }) as z.ZodType<RecipeModel>;
}

/** The family that an unchecked recipe asks for, or the default if it names none that exists. */
function familyAskedFor(recipe: unknown): Family {
  const { preset, family } = (recipe as { model?: RecipeModel } | null)?.model ?? {};
  if (typeof preset === 'string' && list().includes(preset)) return familyOfPreset(preset);
  const known = allFamilies().some(({ name }) => name === family);
  return familyNamed(known ? family! : defaultFamily);
}

/** The options of a family that recipes may set. */
function recipeOptions({ options }: Family): NetworkOptions {
  return Object.fromEntries(Object.entries(options).filter(([, { recipe }]) => recipe !== false));
}

const optimizer = z.strictObject({
  name: z.literal('adamw'),
  learningRate: rate,
  weightDecay: z.number().min(0).max(1).optional(),
  beta1: z.number().min(0).lt(1).optional(),
  beta2: z.number().min(0).lt(1).optional(),
  epsilon: z.number().positive().optional(),
  clipNorm: z.number().positive().optional(),
});

const schedule = z.strictObject({
  warmupEpochs: index.optional(),
  warmupLearningRate: z.number().min(0).optional(),
  minLearningRate: z.number().min(0).optional(),
  cooldownEpochs: index.optional(),
});

const mixup = z.strictObject({
  alpha: z.number().min(0).optional(),
  cutmixAlpha: z.number().min(0).optional(),
  probability: share.optional(),
  switchProbability: share.optional(),
  offEpoch: index.optional(),
});

/** Accuracies in percent, as the papers print them. */
const percent = z.number().min(0).max(100);
const expected = z.strictObject({
  /** Without the LayerNorms that the authors' code owns but never uses. */
  parameters: count,
  /** The paper's accuracy. */
  published: percent.optional(),
  /** The authors' log: top-1 on the test split after some epochs, counted from 0. */
  accuracy: z.record(z.string().regex(/^\d+$/), percent).optional(),
  best: z.strictObject({ epoch: index, accuracy: percent }).optional(),
});

const shape = (model: z.ZodType<RecipeModel>) =>
  z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must consist of a-z, 0-9 and -'),
    description: z.string().max(1000),
    seed: z.int().min(0),
    model,
    data: dataSchema,
    /** Names of layers that do not learn. */
    freeze: z.array(z.string().max(255)).min(1).optional(),
    /** Length of the cosine; the cool-down follows it. */
    epochs,
    batchSize: batch,
    /** Batches per optimizer step. Default 1. */
    accumulate: batch.optional(),
    /** batchSize times accumulate, stated explicitly so that nobody has to guess. */
    effectiveBatch: count,
    optimizer,
    schedule: schedule.optional(),
    loss: lossSchema.optional(),
    /** From a teacher, which each run names: `train --teacher`. */
    distillation: distillationSchema.optional(),
    labelSmoothing: z.number().min(0).lt(1).optional(),
    mixup: mixup.optional(),
    augment: augmentSchema.optional(),
    evaluation: z
      .strictObject({
        batchSize: batch.optional(),
        /** timm's resize and center crop; if absent, images stay as they are. */
        cropPct: z.number().positive().max(1).optional(),
        interpolation: z.enum(['bilinear', 'bicubic']).optional(),
      })
      .optional(),
    /** Of the gradients of inputs. Default float32. */
    precision: z.enum(['float32', 'bfloat16']).optional(),
    averageDecay: z.number().min(0).lt(1).optional(),
    checkpoint: z
      .strictObject({ keep: counted(10_000).optional(), everySteps: count.optional() })
      .optional(),
    expected: expected.optional(),
  });

export type Recipe = z.infer<ReturnType<typeof shape>>;

export type Complain = (path: (string | number)[], message: string) => void;

function checkModel({ model, data }: Recipe, complain: Complain): void {
  const set = describeData(data);
  const { preset, family: name = defaultFamily } = model;
  const names = allFamilies().map((family) => family.name);
  if (preset !== undefined && !list().includes(preset)) {
    complain(['model', 'preset'], `must be one of ${list().join(', ')}`);
    return;
  }
  if (preset === undefined && !names.includes(name)) {
    complain(['model', 'family'], `must be one of ${names.join(', ')}`);
    return;
  }
  const family = preset === undefined ? familyNamed(name) : familyOfPreset(preset);
  const isOfText = 'vocabSize' in family.options;
  if (isOfText !== (set.kind === 'text')) {
    const takes = isOfText ? 'text' : 'images and events';
    const key = preset === undefined ? 'family' : 'preset';
    complain(['model', key], `is for ${takes}, but ${data.name} has ${set.kind}`);
    return;
  }
  if (preset === undefined) {
    const options = Object.entries(recipeOptions(family));
    for (const [key, { required }] of options) {
      if (required && !(key in model)) complain(['model'], `needs ${key}, since it has no preset`);
    }
  } else {
    if (model.family) complain(['model', 'family'], 'is determined by the preset');
    const { inputShape, numClasses } = presetConfig(preset);
    const isOwn = isOwnData(data.name); // any preset fits: the network is made for the data
    if (isOwn) checkInput(preset, set.kind, complain);
    else if (inputShape.slice(-3).join() !== set.sample.join() || numClasses !== set.classes) {
      complain(
        ['model', 'preset'],
        `is for samples [${inputShape.slice(-3)}] in ${numClasses} classes, but ${data.name} has [${set.sample}] in ${set.classes}`,
      );
    }
  }
  if (set.kind === 'events' && model.timeSteps === undefined) {
    complain(['model', 'timeSteps'], 'is required for events: the number of frames per recording');
  }
  if (set.kind !== 'events' && data.splitBy) complain(['data', 'splitBy'], 'is for events only');
}

/** Events need a network of frames, images one of images. */
function checkInput(preset: string, kind: DataSetDescription['kind'], complain: Complain): void {
  const { inputShape } = presetConfig(preset);
  const takes = inputShape.length === 4 ? 'events' : inputShape.length === 3 ? 'images' : 'text';
  if (takes !== kind) complain(['model', 'preset'], `is for ${takes}, but the data are ${kind}`);
}

function checkData({ data, augment = {}, mixup, evaluation }: Recipe, complain: Complain): void {
  const { kind } = describeData(data);
  const foreign = isOwnData(data.name) ? [] : ownDataKeys.filter((key) => key in data);
  for (const key of foreign) complain(['data', key], 'is for own-images and own-events only');
  checkAugment(augment, kind, complain);
  if (mixup && kind === 'text') complain(['mixup'], 'is for images and events only');
  if (kind !== 'images' && evaluation?.cropPct) {
    complain(['evaluation', 'cropPct'], 'is for images only');
  }
  if (evaluation?.interpolation && !evaluation.cropPct) {
    complain(['evaluation', 'interpolation'], 'requires cropPct, which is not set');
  }
  if (mixup && !mixup.alpha && !mixup.cutmixAlpha) {
    complain(['mixup'], 'needs alpha or cutmixAlpha above 0; leave it out otherwise');
  }
}

function checkTiming(recipe: Recipe, complain: Complain): void {
  const {
    epochs,
    batchSize,
    accumulate = 1,
    effectiveBatch,
    data,
    optimizer,
    schedule = {},
  } = recipe;
  if (effectiveBatch !== batchSize * accumulate) {
    complain(['effectiveBatch'], `must be batchSize times accumulate, ${batchSize * accumulate}`);
  }
  const samples = Math.min(data.trainSamples ?? Infinity, describeData(data).samples.train);
  if (effectiveBatch > samples) {
    complain(['effectiveBatch'], `must be at most the number of training samples, ${samples}`);
  }
  if ((schedule.warmupEpochs ?? 0) > epochs) {
    complain(['schedule', 'warmupEpochs'], `must be at most epochs, ${epochs}`);
  }
  for (const key of ['warmupLearningRate', 'minLearningRate'] as const) {
    if ((schedule[key] ?? 0) > optimizer.learningRate) {
      complain(['schedule', key], `must be at most the learning rate, ${optimizer.learningRate}`);
    }
  }
}

/** The schema that an unchecked recipe must satisfy to be runnable, data set and machine permitting. */
export const recipeSchema = (recipe: unknown) =>
  shape(modelSchema(familyAskedFor(recipe))).superRefine((recipe, context) => {
    const complain: Complain = (path, message) =>
      context.addIssue({ code: 'custom', path, message });
    checkModel(recipe, complain);
    checkData(recipe, complain);
    checkTiming(recipe, complain);
    checkSizes(recipe, complain);
    checkLoss(recipe, complain);
  });
