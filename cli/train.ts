/** `spikingformer train`: runs a recipe, keeps checkpoints, goes on where it stopped. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { stringify } from 'yaml';
import { checkBackend } from '../analysis/check_backend';
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
import { accuracyOf } from '../training/observer';
import type { Recipe } from '../training/recipe';
import { InterruptedError, Trainer } from '../training/trainer';
import { checkAgreement, inJob, weightsDigest } from './_job';
import { readRecipe } from './_recipes';
import { writeReport } from './_report';
import { backendOf, checkpointsOf, openSplit, RECIPE, recipeOf } from './_run_folder';
import { checkTeacher, type OpenedTeacher, openTeacher, type TeacherArguments } from './_teacher';
import { useBackend } from './shared/choose_backend';
import { UsageError } from './shared/errors';
import { abortOnInterrupt, interruptStatus } from './shared/interrupt';
import { lostOutput } from './shared/output';
import { duration, jsonObserver, textObserver } from './shared/training_progress';

export interface TrainArguments extends TeacherArguments {
  recipe?: string;
  out?: string;
  resume?: boolean;
  inexact?: boolean;
  set?: string[];
  backend?: string;
  epochs?: number;
  data?: string;
  partial?: boolean;
  workers: number;
  syncBn?: boolean;
  json?: boolean;
}

/** Which recipe, in which folder. */
function place(options: TrainArguments): { recipe: Recipe; run: string } {
  const { recipe: name, out, resume, set } = options;
  if (name === undefined && !(resume && out)) {
    throw new UsageError('train needs --recipe, or --resume with the --out of a run');
  }
  const given = name === undefined ? undefined : readRecipe(name, set);
  const run = out ?? `runs/${given!.name}`;
  if (given === undefined) {
    if (set?.length) throw new UsageError('--set changes a recipe: give --recipe too');
    return { recipe: recipeOf(run), run };
  }
  return { recipe: given, run };
}

/** By itself, or as one of the processes of an MPI job: the first of them prints and keeps what all have. */
export const train = (options: TrainArguments) => inJob((ranks) => trainAs(options, ranks));

async function trainAs(options: TrainArguments, ranks?: MpiRanks): Promise<void> {
  const { epochs, workers } = options;
  const { recipe, run } = place(options);
  checkTeacher(options, recipe);
  const isFirst = !ranks || ranks.rank === 0;
  if (ranks && options.syncBn) shareStatistics(ranks);
  const say = (line: string) => {
    if (isFirst && !options.json) console.log(line);
  };
  const [trainSplit, testSplit] = [
    await openSplit(recipe, 'train', options),
    await openSplit(recipe, 'test', options),
  ];
  const chosen = await startBackend(run, options);
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
  const { missing } = checkBackend(model, { training: true });
  if (missing.length > 0) {
    throw new Error(`backend ${tf.getBackend()} lacks ${missing.join(', ')}, which training needs`);
  }
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
    if (options.resume) await resume(trainer, store, options, say);
    if (ranks) await agree(ranks, { recipe, model, trainer, taught }, say);
    if (isFirst && !existsSync(join(run, RECIPE))) {
      await writeAtomically(join(run, RECIPE), [new TextEncoder().encode(stringify(recipe))]);
    }
    say(
      `${recipe.name}: ${parameters.toLocaleString('en')} parameters on ${tf.getBackend()}, in ${run}`,
    );
    if (chosen) say(chosen);
    if (taught) say(`teacher: ${taught.name}, SHA-256 ${taught.sha256}`);
    for await (const _ of trainer.run()); // observers tell
    if (!isFirst) return;
    const done = trainer;
    const close = async () => {
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
    `${run} has a run already: --resume goes on with it, --out names another folder`,
  );
}

/** A run goes on with the backend that it has, so that its numbers stay the same to the bit. */
async function startBackend(run: string, options: TrainArguments) {
  const { backend, inexact } = options;
  const own = options.resume && backend === undefined ? await backendOf(run) : undefined;
  if (own === undefined) return useBackend(backend);
  return useBackend(own, 'as the run until now; --backend with --inexact takes another').catch(
    (error: Error) => {
      if (inexact) return useBackend(undefined);
      throw new Error(
        `the run's backend cannot be had: ${error.message}; --inexact goes on with another`,
      );
    },
  );
}

async function resume(
  trainer: Trainer,
  store: CheckpointStore,
  { inexact }: TrainArguments,
  say: (line: string) => void,
): Promise<void> {
  const checkpoint = await store.newest((message) => console.error(`warning: ${message}`));
  if (!checkpoint) return say('there is no checkpoint yet: beginning at the beginning');
  await store.restore(trainer, checkpoint, !inexact);
  const { epoch, batch } = trainer.progress.position;
  say(`resuming from ${checkpoint.folder}: epoch ${epoch + 1}, batch ${batch}`);
}

function sayHowToGoOn(
  { message }: Error,
  signal: AbortSignal,
  run: string,
  options: TrainArguments,
): void {
  const { backend, teacher, teacherOutputs, epochs, data, workers } = options;
  const given = { backend, teacher, 'teacher-outputs': teacherOutputs, epochs, data, workers };
  const flags = Object.entries(given)
    .filter(([, value]) => value)
    .map(([flag, value]) => ` --${flag} ${quoted(String(value))}`);
  const set = { partial: '--partial', inexact: '--inexact', syncBn: '--sync-bn' } as const;
  for (const [key, flag] of Object.entries(set)) {
    if (options[key as keyof typeof set]) flags.push(` ${flag}`);
  }
  const command = `npx spikingformer train --resume --out ${quoted(run)}${flags.join('')}`;
  const lines = `${message}; everything is saved. To go on:\n  ${command}`;
  if (lostOutput()) console.error(lines);
  else if (options.json) console.log(JSON.stringify({ event: 'interrupted', resume: command }));
  else console.log(lines);
  process.exitCode = interruptStatus(signal);
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function finish(
  { progress }: Trainer,
  run: string,
  report: string,
  { json }: TrainArguments,
): void {
  const { history } = progress;
  const accuracy = history.map((epoch) => accuracyOf(epoch) ?? 0);
  const best = Math.max(...accuracy);
  const seconds = history.reduce((sum, r) => sum + r.seconds, 0);
  if (json) {
    const files = { model: join(run, 'model'), report };
    console.log(JSON.stringify({ event: 'end', best, last: accuracy.at(-1), seconds, ...files }));
    return;
  }
  console.log(
    `best test accuracy ${(100 * best).toFixed(2)} % in epoch ${accuracy.indexOf(best) + 1}, ${duration(seconds)} of training\n` +
      `model in ${join(run, 'model')}, report in ${resolve(report)}`,
  );
}

function versions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)('tfjs-spikingformer/package.json');
  return { 'tfjs-spikingformer': version, tfjs: tf.version.tfjs, node: process.version };
}
