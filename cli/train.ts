/** `spikingformer train`: runs a recipe, saves checkpoints, resumes where it stopped. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { stringify } from 'yaml';
import { checkBackend } from '../analysis/check_backend';
import { defined } from '../lib/defined';
import type { Precision } from '../lib/gradient_precision';
import { shareStatistics } from '../lib/shared_statistics';
import { countParameters } from '../models/parameters';
import { batches } from '../node/batches';
import { writeAtomically } from '../node/files/files';
import { lock } from '../node/files/lock';
import type { MpiRanks } from '../node/mpi/ranks';
import type { CheckpointStore } from '../node/runs/checkpoints';
import { fileHandler } from '../node/runs/file_handler';
import '../node/index';
import { csvObserver, tensorboardObserver } from '../node/runs/metrics_files';
import { numericEnvironment } from '../node/runs/numeric_environment';
import { type Evaluation, evaluate } from '../training/evaluation';
import { identityOf, modelFromRecipe, trainerConfigFromRecipe } from '../training/from_recipe';
import { describeModel } from '../training/model_data';
import { checkPrecision } from '../training/precision';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { InterruptedError, Trainer } from '../training/trainer';
import { copyFrom, type FromArguments, openBeginning, withNetworkOf } from './_begin_from';
import { finish, sayHowToGoOn } from './_end_of_run';
import { checkAgreement, inJob, weightsDigest } from './_job';
import {
  checkOwnArguments,
  findOwnData,
  type OwnArguments,
  recipeForFolder,
  reportSurvey,
  surveyJson,
} from './_own_data';
import { readRecipe } from './_recipes';
import { writeReport } from './_report';
import { backendOf, checkpointsOf, openSplit, RECIPE, recipeOf } from './_run_folder';
import { checkTeacher, type OpenedTeacher, openTeacher, type TeacherArguments } from './_teacher';
import { useBackend } from './shared/choose_backend';
import { UsageError } from './shared/errors';
import { abortOnInterrupt, interruptStatus } from './shared/interrupt';
import { jsonObserver, textObserver } from './shared/training_progress';

export interface TrainArguments extends TeacherArguments, OwnArguments, FromArguments {
  recipe?: string;
  out?: string;
  resume?: boolean;
  inexact?: boolean;
  set?: string[];
  backend?: string;
  epochs?: number;
  partial?: boolean;
  workers: number;
  syncBn?: boolean;
  precision?: Precision;
  json?: boolean;
}

/** Which recipe, in which folder. */
async function place(options: TrainArguments): Promise<{ recipe: Recipe; run: string }> {
  const { out, resume, set, data } = options;
  const own = options.recipe === undefined && !resume && data !== undefined;
  const name = own ? await recipeForFolder(data) : options.recipe;
  if (name === undefined && !(resume && out)) {
    throw new UsageError(
      'train needs --recipe, --data FOLDER, or --resume with the --out of a run',
    );
  }
  const given = name === undefined ? undefined : readRecipe(name, set);
  const run = out ?? `runs/${own ? nameOf(data) : given!.name}`;
  if (given === undefined) {
    if (set?.length) throw new UsageError('--set changes a recipe: give --recipe too');
    return { recipe: recipeOf(run), run };
  }
  return { recipe: given, run };
}

/** Of a folder, as a recipe's name may be. */
const nameOf = (folder: string) =>
  basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64) || 'own';

/** By itself, or as one of the processes of an MPI job: the first of them prints and keeps what all have. */
export const train = (options: TrainArguments) => inJob((ranks) => trainAs(options, ranks));

async function trainAs(options: TrainArguments, ranks?: MpiRanks): Promise<void> {
  const { epochs, workers } = options;
  const { run, ...placed } = await place(options);
  checkOwnArguments(options, placed.recipe);
  const chosen = await startBackend(run, options);
  const beginning = await openBeginning(options);
  const begun =
    beginning && options.recipe === undefined
      ? withNetworkOf(beginning, placed.recipe, options.set)
      : placed.recipe;
  const { freeze, precision } = options;
  const asked = { ...begun, ...defined({ freeze, precision }) };
  const isNew = isOwnData(asked.data.name) && !options.resume;
  const own = isNew ? await findOwnData(asked, options) : undefined;
  const recipe = own?.recipe ?? asked;
  checkTeacher(options, recipe);
  const isFirst = !ranks || ranks.rank === 0;
  if (ranks && options.syncBn) shareStatistics(ranks);
  const say = (line: string) => {
    if (isFirst && !options.json) console.log(line);
  };
  if (own && isFirst) reportSurvey(own.survey, options.json);
  const [trainSplit, testSplit] = [
    await openSplit(recipe, 'train', options),
    await openSplit(recipe, 'test', options),
  ];
  const { teacher: name, teacherOutputs } = options;
  const taught =
    name === undefined ? undefined : await openTeacher(name, recipe, trainSplit, teacherOutputs);
  const store = checkpointsOf(run, {
    keep: recipe.checkpoint?.keep,
    identity: {
      ...identityOf(recipe),
      ...(options.syncBn && { syncBatchNorm: true }),
      data: { train: trainSplit.fingerprint, test: testSplit.fingerprint },
      ...(taught && { teacher: taught.sha256 }),
    },
    environment: numericEnvironment(),
    versions: versions(),
  });
  if (!options.resume && isFirst) await refuseToBeginAgain(run, store);
  const model = modelFromRecipe(recipe);
  const copied = beginning && copyFrom(beginning, model, trainSplit.classNames);
  beginning?.model.dispose();
  const { missing } = checkBackend(model, { training: true });
  if (missing.length > 0) {
    throw new Error(`backend ${tf.getBackend()} lacks ${missing.join(', ')}, which training needs`);
  }
  checkPrecision(recipe.precision ?? 'float32');
  const { parameters } = countParameters(model);
  const config = trainerConfigFromRecipe(recipe, {
    train: trainSplit,
    test: testSplit,
    ranks,
    model,
    ...(taught && { teacher: taught.teacher }),
    batches: (source, given) =>
      batches(source, { ...given, workers: source.workerSpec ? workers : 0 }),
  });
  await mkdir(run, { recursive: true });
  const held = isFirst ? await lock(join(run, '.lock'), { doing: 'training' }) : undefined;
  let trainer: Trainer | undefined;
  const signal = abortOnInterrupt();
  const report = async (evaluation?: Evaluation) => {
    const write = () =>
      writeReport({
        ...{ run, recipe, model, parameters, test: testSplit, testData: config.test! },
        ...(taught && { teacher: taught }),
        history: trainer!.progress.history,
        evaluation,
      });
    return trainer!.average ? trainer!.average.lend(write) : write();
  };
  try {
    if (!options.resume && isFirst) await refuseToBeginAgain(run, store); // as another has, meanwhile
    trainer = new Trainer({
      ...config,
      model,
      epochs: Math.min(epochs ?? Infinity, config.schedule.totalEpochs),
      save: (state) => {
        held?.check();
        return store.save(state);
      },
      observers: [
        csvObserver(run),
        tensorboardObserver(run),
        options.json ? jsonObserver() : textObserver(),
        { onEpoch: async () => void (await report(trainer!.lastEvaluation)) },
      ],
      signal,
    });
    if (options.resume) await restore(trainer, store, options, say);
    if (ranks) await agree(ranks, { recipe, model, trainer, taught }, say);
    if (isFirst && !existsSync(join(run, RECIPE))) {
      await writeAtomically(join(run, RECIPE), [new TextEncoder().encode(stringify(recipe))]);
      if (own) await writeAtomically(join(run, 'data.json'), [surveyJson(own.survey)]);
    }
    say(
      `${recipe.name}: ${parameters.toLocaleString('en')} parameters on ${tf.getBackend()}, in ${run}`,
    );
    if (recipe.precision === 'bfloat16')
      say('gradients of products in bfloat16, all else in float32');
    if (chosen) say(chosen);
    if (copied) say(copied);
    if (taught) say(`teacher: ${taught.name}, SHA-256 ${taught.sha256}`);
    for await (const _ of trainer.run()); // observers tell
    if (!isFirst) return;
    const done = trainer;
    const close = async () => {
      describeModel(model, recipe, testSplit.classNames);
      await model.save(fileHandler(join(run, 'model')));
      // A run that was finished before has no evaluation of its own.
      return done.lastEvaluation ?? evaluate(model, config.test!, { signal });
    };
    const evaluation = await (done.average ? done.average.lend(close) : close());
    finish(done, run, await report(evaluation), options);
  } catch (error) {
    if (!(error instanceof InterruptedError || (signal.aborted && error === signal.reason)))
      throw error;
    if (isFirst) sayHowToGoOn(error as Error, signal, run, options);
    else process.exitCode = interruptStatus(signal);
  } finally {
    trainer?.dispose();
    model.dispose();
    taught?.dispose();
    held?.release();
  }
}

/** Before the first step: what would make the processes' networks differ is refused. */
async function agree(
  ranks: MpiRanks,
  {
    recipe,
    model,
    trainer,
    taught,
  }: { recipe: Recipe; model: tf.LayersModel; trainer: Trainer; taught?: OpenedTeacher },
  say: (line: string) => void,
): Promise<void> {
  const { position } = trainer.progress;
  await checkAgreement(ranks, {
    version: Object.entries(versions()).flat().join(' '),
    recipe: JSON.stringify(identityOf(recipe)),
    backend: tf.getBackend(),
    position: `epoch ${position.epoch + 1}, batch ${position.batch}`,
    weights: await weightsDigest(model),
    teacher: taught?.sha256 ?? 'none',
  });
  say(`${ranks.size} processes through ${ranks.library}, ${ranks.localSize} on this machine`);
}

async function refuseToBeginAgain(run: string, store: CheckpointStore): Promise<void> {
  if (!existsSync(join(run, RECIPE)) && (await store.list()).length === 0) return;
  throw new UsageError(
    `${run} already has a run: --resume continues it, --out names another folder`,
  );
}

/** A run goes on with the backend that it has, so that its numbers stay the same to the bit. */
async function startBackend(run: string, options: TrainArguments) {
  const { backend, inexact } = options;
  const own = options.resume && backend === undefined ? await backendOf(run) : undefined;
  if (own === undefined) return useBackend(backend);
  return useBackend(
    own,
    'the backend of the run so far; --backend with --inexact selects another',
  ).catch((error: Error) => {
    if (inexact) return useBackend(undefined);
    throw new Error(
      `the run's backend is not available: ${error.message}; --inexact continues with another`,
    );
  });
}

async function restore(
  trainer: Trainer,
  store: CheckpointStore,
  { inexact }: TrainArguments,
  say: (line: string) => void,
): Promise<void> {
  const checkpoint = await store.newest((message) => console.error(`warning: ${message}`));
  if (!checkpoint) return say('there is no checkpoint yet: starting from the beginning');
  await store.restore(trainer, checkpoint, !inexact);
  const { epoch, batch } = trainer.progress.position;
  say(`resuming from ${checkpoint.folder}: epoch ${epoch + 1}, batch ${batch}`);
}

function versions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)('tfjs-spikingformer/package.json');
  return { 'tfjs-spikingformer': version, tfjs: tf.version.tfjs, node: process.version };
}
