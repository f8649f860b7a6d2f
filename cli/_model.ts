/** The model that a command is given: a run, a saved model, a checkpoint file, or a trained model or preset by name. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as interop from '../interop/index';
import { didYouMean } from '../lib/did_you_mean';
import * as models from '../models/index';
import { isTrainedModel } from '../models/trained_models';
import { isRecord } from '../node/files/json';
import { packaged } from '../node/files/package_folder';
import { fileHandler, openCheckpointFile } from '../node/index';
import { modelFromRecipe } from '../training/from_recipe';
import { dataOfModel } from '../training/model_data';
import type { Recipe } from '../training/recipe';
import { describeData } from '../training/recipe_data';
import { readRecipe } from './_recipes';
import { loadRunModel, RECIPE, recipeOf, type WhichCheckpoint } from './_run_folder';
import { isModelPath } from './_weight_files';
import { UsageError } from './shared/errors';

/** What a name refers to, a path before a trained model of that name; `run` is the run that it is, or is in. */
export interface ModelPlace {
  kind: 'preset' | 'trained' | 'run' | 'model' | 'weights';
  run?: string;
}

export interface OpenOptions {
  /** For a run. Default 'final'. */
  checkpoint?: WhichCheckpoint;
  /** The network of a checkpoint file, if the file does not state it: a recipe's, or a preset's, changed by JSON. */
  recipe?: Recipe;
  preset?: string;
  config?: string;
  /** For a checkpoint file: where the weights are in it; or whether to take the averaged ones. */
  key?: string;
  ema?: boolean;
}

export interface OpenedModel {
  model: tf.LayersModel;
  /** Whether its weights are fresh, as a preset's are. */
  fresh: boolean;
  /** The origin of the weights. */
  from: string;
  /** The recipe that trained it, if it belongs to a run; of a trained model, the one that its data are read by. */
  recipe?: Recipe;
}

const isRun = (folder: string) => existsSync(join(folder, RECIPE));

/** The description of valid models that all commands share. @throws UsageError if the name refers to none */
export function placeOfModel(name: string): ModelPlace {
  if (models.list().includes(name)) return { kind: 'preset' };
  if (!existsSync(name)) {
    if (isTrainedModel(name)) return { kind: 'trained' };
    const trained = Object.keys(models.trainedModels);
    throw new UsageError(
      "model must be a run's folder, a saved model, a checkpoint file, " +
        `a trained model (${trained.join(', ')}) or a preset (\`spikingformer summary\` lists them), ` +
        `but got '${name}'${didYouMean(name, [...trained, ...models.list()])}`,
    );
  }
  if (isRun(name)) return { kind: 'run', run: name };
  const folder = statSync(name).isDirectory();
  if (!isModelPath(name)) return { kind: 'weights' };
  if (folder && !existsSync(join(name, 'model.json'))) {
    throw new UsageError(
      `model must be a run's folder with a ${RECIPE}, or a saved model with a model.json, but got '${name}'`,
    );
  }
  // RUN/model or RUN/checkpoints/NAME, or the model.json in there.
  const one = dirname(resolve(folder ? name : dirname(name)));
  const run = [one, dirname(one)].find(isRun);
  return { kind: 'model', ...(run !== undefined && { run }) };
}

/** @throws UsageError if the name refers to no model */
export async function openModel(name: string, options: OpenOptions = {}): Promise<OpenedModel> {
  const { kind, run } = placeOfModel(name);
  await tf.ready();
  if (kind === 'preset') {
    return { model: models.create(name), fresh: true, from: `${name}, fresh weights` };
  }
  if (kind === 'trained') return openTrained(name as models.TrainedModelName);
  if (kind === 'weights') {
    return { model: await fromWeights(name, options), fresh: false, from: name };
  }
  const loaded =
    kind === 'run'
      ? await loadRunModel(name, options.checkpoint ?? 'final')
      : { model: await tf.loadLayersModel(fileHandler(name)), from: name };
  return { ...loaded, fresh: false, ...(run !== undefined && { recipe: recipeOf(run) }) };
}

/** With its table's recipe, for the data that the model records. */
async function openTrained(name: models.TrainedModelName): Promise<OpenedModel> {
  const model = await models.load(name);
  const { data } = dataOfModel(model)!;
  const recipe = readRecipe(models.trainedModels[name].recipe);
  const timeSteps = model.inputs[0]!.shape[1]!;
  const time = describeData(data).kind === 'events' ? { timeSteps } : {};
  const own = { ...recipe, data, model: { ...recipe.model, ...time } };
  return { model, fresh: false, from: packaged('weights', name), recipe: own };
}

async function fromWeights(path: string, options: OpenOptions): Promise<tf.LayersModel> {
  const { recipe, preset, config, key, ema } = options;
  const file = await openCheckpointFile(path, key === undefined ? {} : { key });
  try {
    if (ema && !file.stateDictEma) throw new Error(`${path} has no averaged weights`);
    const stateDict = await interop.readStateDict(ema ? file.stateDictEma! : file.stateDict);
    let model: tf.LayersModel;
    if (recipe && preset === undefined && config === undefined) {
      model = modelFromRecipe(recipe);
    } else {
      const found = interop.recognizePreset(stateDict, {
        ...(preset !== undefined && { preset: presetNamed(preset) }),
        args: file.meta.args,
        config: parseConfig(config),
      });
      model = models.create(found.preset, found.config);
    }
    interop.loadTorchStateDict(model, stateDict);
    return model;
  } finally {
    await file.close();
  }
}

/** @throws UsageError if there is no preset of that name */
function presetNamed(name: string): string {
  if (models.list().includes(name)) return name;
  throw new UsageError(
    '--preset must be one that `spikingformer summary` lists, ' +
      `but got '${name}'${didYouMean(name, models.list())}`,
  );
}

/** The value of --config. */
export function parseConfig(text: string | undefined): Partial<models.ModelConfig> {
  if (text === undefined) return {};
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--config must be JSON: ${(error as Error).message}`);
  }
  if (!isRecord(config)) {
    throw new UsageError(
      `--config must be a JSON object such as '{"numHeads": 8}', but got ${text}`,
    );
  }
  return config as Partial<models.ModelConfig>;
}

/** The recipe whose data a model is tried on: the given one, or its run's. */
export function recipeFor(name: string, given: Recipe | undefined, own: Recipe | undefined) {
  const recipe = given ?? own;
  if (recipe) return recipe;
  throw new UsageError(
    `'${name}' belongs to no run: name the recipe whose data to use with --recipe`,
  );
}
