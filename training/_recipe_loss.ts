/** A recipe's loss: its options, their valid combinations, and the loss that they make. */
import type * as tf from '@tensorflow/tfjs';
import * as z from 'zod';
import { distillation, distillationTerms } from './distillation';
import { layerOutput } from './forward';
import { softTargetCrossEntropy } from './losses';
import type { Complain, Recipe } from './recipe';
import type { Teacher } from './teacher';
import { tetLoss } from './tet_loss';
import { asTrainingLoss, type TrainingLoss } from './training_loss';

const weight = z.number().min(0).max(1e6);
const share = z.number().min(0).max(1);
const softLabels = z.strictObject({
  weight: weight.optional(),
  temperature: z.number().positive().max(1000).optional(),
});

/** The loss with the labels. */
export const lossSchema = z.strictObject({
  name: z.enum(['cross-entropy', 'tet']),
  /** For tet: see TetConfig. */
  lambda: share.optional(),
  mean: z.number().optional(),
});

/** DistillationConfig, and what it takes from the teacher. */
export const distillationSchema = z.strictObject({
  labels: weight.optional(),
  softLabels: softLabels.optional(),
  weightedSoftLabels: softLabels.optional(),
  temporalSeparation: softLabels.extend({ entropy: weight.optional() }).optional(),
  blurredFeatures: z
    .strictObject({
      weight: weight.optional(),
      dropped: z.number().min(0).lt(1).optional(),
      clip: z.boolean().optional(),
      /** The student's layer and the teacher's. */
      layer: z.string(),
      teacherLayer: z.string(),
    })
    .optional(),
  /** Whether the teacher answers with probabilities: see TeacherOptions. */
  probabilities: z.boolean().optional(),
});

export function checkLoss({ loss, distillation }: Recipe, complain: Complain): void {
  for (const key of ['lambda', 'mean'] as const) {
    if (loss?.name === 'cross-entropy' && loss[key] !== undefined) {
      complain(['loss', key], 'is for tet only');
    }
  }
  if (distillation && !distillationTerms.some((term) => distillation[term])) {
    complain(['distillation'], `needs one of ${distillationTerms.join(', ')}`);
  }
}

/** The student, and its teacher. */
export interface Lesson {
  model?: tf.LayersModel;
  teacher?: Teacher;
}

/** @throws if the recipe distills and there is no teacher, or the reverse, or if a layer is missing */
export function lossFromRecipe(recipe: Recipe, { model, teacher }: Lesson): TrainingLoss {
  const { loss, distillation: given, seed } = recipe;
  const { name = 'cross-entropy', ...tet } = loss ?? {};
  const labels: TrainingLoss =
    name === 'tet'
      ? { perStep: true, compute: (batch) => tetLoss(batch.targets, batch.logitsPerStep!, tet) }
      : asTrainingLoss(softTargetCrossEntropy);
  if (!given !== !teacher) {
    throw new Error(
      given
        ? `recipe ${recipe.name} has distillation, which needs a teacher`
        : `recipe ${recipe.name} has no distillation, so it takes no teacher`,
    );
  }
  if (!given) return labels;
  const { probabilities: _, blurredFeatures, ...terms } = given;
  if (!blurredFeatures) return distillation(labels, terms);
  const { teacherLayer, layer, ...options } = blurredFeatures;
  if (!model) throw new Error('distillation.blurredFeatures needs the model that is trained');
  const { channels: teacherChannels } = teacher!;
  if (teacherChannels === undefined) {
    throw new Error(`distillation.blurredFeatures needs the teacher's features of ${teacherLayer}`);
  }
  const channels = layerOutput(model, layer).shape.at(-1)!;
  return distillation(labels, {
    ...terms,
    blurredFeatures: { ...options, layer, channels, teacherChannels, seed },
  });
}
