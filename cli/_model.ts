/** The model that a command is asked about: a preset by name, or one saved on disk. */
import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as models from '../models/index';
import { fileHandler } from '../node/index';
import { UsageError } from './_errors';

export interface OpenedModel {
  model: tf.LayersModel;
  /** Whether it is a preset, and its weights fresh. */
  preset: boolean;
}

/** @throws UsageError where the name is neither a preset nor a path */
export async function openModel(name: string): Promise<OpenedModel> {
  await tf.ready();
  if (models.list().includes(name)) return { model: models.create(name), preset: true };
  if (!existsSync(name)) {
    throw new UsageError(
      `model must be a preset (\`spikingformer summary\` lists them) or the path of a saved model, ` +
        `but got '${name}'`,
    );
  }
  return { model: await tf.loadLayersModel(fileHandler(name)), preset: false };
}
