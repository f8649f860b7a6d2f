/** The teacher of a run: a trained model by its path, and its hash. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import type { SampleSource } from '../datasets/sample';
import { fileHandler } from '../node/runs/file_handler';
import { keptTeacher } from '../node/runs/kept_teacher';
import { numericEnvironment } from '../node/runs/numeric_environment';
import { imagesOf } from '../training/from_recipe';
import type { Recipe } from '../training/recipe';
import { modelTeacher, type Teacher } from '../training/teacher';
import { type ModelPlace, openModel, placeOfModel } from './_model';
import { modelJson, sums } from './_weight_files';
import { UsageError } from './shared/errors';

export interface OpenedTeacher {
  teacher: Teacher;
  /** Its path, as given. */
  name: string;
  /** SHA-256 of its files' SHA-256. */
  sha256: string;
  dispose(): void;
}

/** The options that select a teacher. */
export interface TeacherArguments {
  teacher?: string;
  /** Folder of its outputs. */
  teacherOutputs?: string;
}

/** @throws UsageError unless recipes that distill, and only those, have a teacher, and it is trained */
export function checkTeacher(
  { teacher: name, teacherOutputs }: TeacherArguments,
  recipe: Recipe,
): void {
  if (recipe.distillation && name === undefined) {
    throw new UsageError(
      `recipe ${recipe.name} has distillation: name the trained model to learn from with --teacher`,
    );
  }
  if (name === undefined) {
    if (teacherOutputs === undefined) return;
    throw new UsageError('--teacher-outputs keeps the outputs of a teacher: give --teacher too');
  }
  if (!recipe.distillation) {
    throw new UsageError(
      `--teacher is for recipes with distillation, and ${recipe.name} has none: ` +
        '--set distillation.softLabels.temperature=4 adds one',
    );
  }
  if (placeOfModel(name).kind === 'preset') {
    throw new UsageError(`--teacher must be a trained model, but preset ${name} has fresh weights`);
  }
}

/**
 * A run's model, a tfjs layers or graph model, or a checkpoint file of a network of this library.
 * @param samples the samples that the run trains on
 * @param folder where to keep its outputs; default: do not keep them
 */
export async function openTeacher(
  name: string,
  recipe: Recipe,
  samples: SampleSource,
  folder?: string,
): Promise<OpenedTeacher> {
  const { blurredFeatures, probabilities } = recipe.distillation!;
  const place = placeOfModel(name);
  const { model, from } = isGraphModel(name, place)
    ? { model: await tf.loadGraphModel(fileHandler(name)), from: name }
    : await openModel(name);
  const files = await sums(from, place.kind === 'weights' ? 'torch' : 'tfjs');
  const hash = createHash('sha256');
  for (const { sha256 } of files) hash.update(sha256);
  const sha256 = hash.digest('hex');
  const asked = {
    ...(blurredFeatures && { featuresOf: blurredFeatures.teacherLayer }),
    ...(probabilities !== undefined && { probabilities }),
  };
  const teacher = modelTeacher(model, asked);
  const opened = { name, sha256, dispose: () => model.dispose() };
  if (folder === undefined) return { ...opened, teacher };
  const { perEpoch, identity: images } = imagesOf(recipe);
  const environment = numericEnvironment();
  const identity = { teacher: sha256, asked, samples: samples.fingerprint, images, environment };
  const onDamaged = (message: string) => console.error(`warning: ${message}; made anew`);
  const kept = await keptTeacher(teacher, { folder, identity, perEpoch, onDamaged });
  return { ...opened, teacher: kept };
}

function isGraphModel(name: string, { kind }: ModelPlace): boolean {
  if (kind !== 'model') return false;
  const { format } = JSON.parse(readFileSync(modelJson(name), 'utf8')) as { format?: string };
  return format === 'graph-model';
}
