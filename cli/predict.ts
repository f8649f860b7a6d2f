/** `spikingformer predict`: what a model takes samples for: held-out ones, files, addresses, what comes by stdin. */
import * as tf from '@tensorflow/tfjs';
import { datasetEntry } from '../node/index';
import { dataOfModel } from '../training/model_data';
import { type Answer, answersOf, EarlyExit, type Shares } from './_answers';
import { heldOut } from './_held_out';
import { type OpenOptions, openModel, placeOfModel, recipeFor } from './_model';
import { type Question, questionsOf, type SampleFacts } from './_questions';
import { readRecipe } from './_recipes';
import { openSplit } from './_run_folder';
import { isText, type SentenceArguments, sentenceQuestions } from './_sentences';
import { type Source, sourcesOf } from './_sources';
import { useBackend } from './shared/choose_backend';
import { exitCode, oneLine, UsageError } from './shared/errors';
import { abortOnInterrupt } from './shared/interrupt';
import { printable } from './shared/printable';

export interface PredictArguments extends Omit<OpenOptions, 'recipe'>, SentenceArguments {
  recipe?: string;
  samples: number;
  top: number;
  perStep?: boolean;
  sure?: number;
  backend?: string;
  data?: string;
  partial?: boolean;
  json?: boolean;
}

/** Samples per batch. */
const BATCH = 64;

/** A sample; `label` is the index of its class, if that is known. */
interface Asked extends Question {
  index: number;
  label?: number;
}

export async function predict(
  name: string,
  files: readonly string[],
  options: PredictArguments,
): Promise<void> {
  placeOfModel(name);
  if (options.text && files.length > 0) {
    throw new UsageError(`predict takes sources or --text, but got '${files[0]}' and --text`);
  }
  const sources = await sourcesOf(files);
  const given = options.recipe === undefined ? undefined : readRecipe(options.recipe);
  const chosen = await useBackend(options.backend);
  const { model, recipe: own } = await openModel(name, { ...options, recipe: given });
  const signal = abortOnInterrupt();
  const input = model.inputs[0]!.shape.slice(1) as number[];
  const exit = options.sure === undefined ? undefined : new EarlyExit(model, options.sure);
  let [asked, steps] = [0, 0];
  try {
    const told = given ? undefined : dataOfModel(model);
    const facts: SampleFacts = told ?? recipeFor(name, given, own);
    const { classNames, questions } =
      sources.length === 0 && !options.text
        ? await heldOutQuestions(recipeFor(name, given, own), options)
        : {
            classNames: told?.classNames ?? (await namesOf(recipeFor(name, given, own), options)),
            questions: options.text
              ? numbered(await sentenceQuestions(model, options, facts.data.name))
              : questionsFrom(sources, input, facts, options.samples),
          };
    if (chosen && !options.json) console.log(chosen);
    for await (const batch of batched(questions, exit ? 1 : BATCH)) {
      await tf.nextFrame(); // lets Ctrl-C through
      signal.throwIfAborted();
      const x = tf.tensor(joined(batch), [batch.length, ...input]);
      const answers = exit ? [await exit.answer(x)] : await answersOf(model, x, !!options.perStep);
      x.dispose();
      for (const [i, answer] of answers.entries()) {
        asked++;
        steps += answer.steps ?? 0;
        print(batch[i]!, answer, classNames, options);
      }
    }
    if (exit && asked > 0) printSaving(steps / asked, exit.timeSteps, options);
  } finally {
    exit?.dispose();
    model.dispose();
  }
}

/** Class names of a recipe: those that were found, or the data set's. */
async function namesOf(recipe: ReturnType<typeof recipeFor>, options: PredictArguments) {
  if (isText(recipe.data.name)) return datasetEntry(recipe.data.name).info.classNames;
  return recipe.data.classNames ?? (await openSplit(recipe, 'test', options)).classNames;
}

async function heldOutQuestions(recipe: ReturnType<typeof recipeFor>, options: PredictArguments) {
  const { x, labels, classNames } = await heldOut(recipe, options.samples, options);
  const all = (await x.data()) as Float32Array;
  x.dispose();
  const size = all.length / labels.length;
  async function* questions() {
    for (const [index, label] of labels.entries()) {
      yield { name: '', index, label, data: all.subarray(index * size, (index + 1) * size) };
    }
  }
  return { classNames, questions: questions() };
}

async function* numbered(questions: readonly Question[]): AsyncGenerator<Asked> {
  for (const [index, question] of questions.entries()) yield { ...question, index };
}

/** What cannot be read is named on stderr, and the command has failed. */
async function* questionsFrom(
  sources: readonly Source[],
  input: number[],
  facts: SampleFacts,
  most: number,
): AsyncGenerator<Asked> {
  let index = 0;
  for (const source of sources) {
    try {
      for (const question of await questionsOf(source, input, facts, most)) {
        yield { ...question, index: index++ };
      }
    } catch (error) {
      const reason = oneLine(error);
      const named = reason.includes(source.name) ? reason : `${source.name}: ${reason}`;
      console.error(`error: ${printable(named)}`);
      process.exitCode = exitCode.failure;
    }
  }
}

async function* batched<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    if (batch.push(item) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function joined(batch: readonly Question[]): Float32Array {
  const all = new Float32Array(batch.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of batch) {
    all.set(data, at);
    at += data.length;
  }
  return all;
}

/** Classes by share, the largest first. */
const ranked = (shares: Shares, top: number) =>
  Array.from(shares, (share, k) => ({ share, k }))
    .sort((a, b) => b.share - a.share || a.k - b.k)
    .slice(0, top);

function print(
  { name, index, label }: Asked,
  { shares, perStep, steps }: Answer,
  classNames: readonly string[],
  { json, top, perStep: shown }: PredictArguments,
): void {
  const best = ranked(shares, 1)[0]!.k;
  if (json) {
    const all = (of: Shares) => Object.fromEntries(classNames.map((each, k) => [each, of[k]]));
    const line = {
      ...{ sample: index, ...(name !== '' && { source: name }) },
      prediction: classNames[best],
      ...(label !== undefined && { label: classNames[label] }),
      probabilities: all(shares),
      ...(shown && perStep && { perStep: perStep.map(all) }),
      ...(steps !== undefined && { steps }),
    };
    console.log(JSON.stringify(line));
    return;
  }
  const text = (of: Shares, most: number) =>
    ranked(of, most)
      .map(({ k, share }) => `${printable(classNames[k]!)} ${(100 * share).toFixed(1)} %`)
      .join(', ');
  const truth =
    label === undefined ? '' : label === best ? '  right' : `  is ${printable(classNames[label]!)}`;
  const head = name === '' ? String(index).padStart(4) : printable(name);
  const count = steps === undefined ? '' : `  after ${steps} steps`;
  console.log(`${head}  ${text(shares, top)}${truth}${count}`);
  if (!shown) return;
  for (const [t, each] of perStep!.entries())
    console.log(`      step ${t + 1}: ${text(each, top)}`);
}

function printSaving(mean: number, timeSteps: number, { json, sure }: PredictArguments): void {
  const saved = 1 - mean / timeSteps;
  if (json) console.log(JSON.stringify({ event: 'end', meanSteps: mean, timeSteps, saved }));
  else {
    console.log(
      `early exit at ${(100 * sure!).toFixed(0)} %: ${mean.toFixed(2)} of ${timeSteps} time steps ` +
        `per sample, ${(100 * saved).toFixed(1)} % saved`,
    );
  }
}
