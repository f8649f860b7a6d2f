/** `spikingformer energy`: activity and energy of a model, as a table, JSON and a chart. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  type Activity,
  activityTable,
  countOperations,
  type EnergyReport,
  type energyAssumptions,
  energyOf,
  energySvg,
  energyTable,
  type MemoryName,
  measureActivityAsync,
} from '../analysis/index';
import { recordingExtensions } from '../node/datasets/own/recording';
import { writeAtomically } from '../node/files/files';
import { isRecord } from '../node/files/json';
import { dataOfModel } from '../training/model_data';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { wrapped } from './_columns';
import { findDataset } from './_dataset_names';
import { heldOut } from './_held_out';
import { type OpenOptions, openModel, placeOfModel } from './_model';
import { questionsOf, type SampleFacts } from './_questions';
import { noise, type Samples, samplesOf, testSamplesOf } from './_samples';
import { randomSentences, type SentenceArguments, sentenceSamples, takesText } from './_sentences';
import { sourcesOf } from './_sources';
import { useBackend } from './shared/choose_backend';
import { UsageError } from './shared/errors';
import { abortOnInterrupt } from './shared/interrupt';
import { showProgress } from './shared/progress';

export interface EnergyArguments extends Omit<OpenOptions, 'recipe'>, SentenceArguments {
  data?: string;
  rates?: string;
  samples: number;
  seed: number;
  assumptions: keyof typeof energyAssumptions;
  memory?: MemoryName;
  wholeNumbers: 'mac' | 'ac';
  attentionHeads?: number;
  backend?: string;
  json?: boolean;
  svg?: string;
}

/** Firing rates from a JSON file: `{"block1/attn/q": 0.13, ...}`. */
function readRates(path: string, known: ReadonlySet<string>): Map<string, number> {
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isRecord(content)) {
    throw new Error(`${path} must hold an object of rates by layer path`);
  }
  const rates = new Map<string, number>();
  for (const [layer, rate] of Object.entries(content)) {
    if (!known.has(layer))
      throw new Error(`${path} names a layer that the model does not have: ${layer}`);
    if (typeof rate !== 'number') throw new Error(`${path} must hold a number for ${layer}`);
    rates.set(layer, rate);
  }
  return rates;
}

export async function energy(name: string, given: EnergyArguments): Promise<void> {
  const { attentionHeads, assumptions, wholeNumbers, memory = null } = given;
  const options = { assumptions, wholeNumbers, memory };
  placeOfModel(name);
  const chosen = given.rates === undefined ? await useBackend(given.backend) : undefined;
  const { model, fresh, recipe } = await openModel(name, given);
  const count = countOperations(model, attentionHeads === undefined ? {} : { attentionHeads });
  const weights = fresh
    ? 'fresh weights: the rates are not those of a trained network'
    : 'saved weights';
  const titles = { model: name, weights };
  if (given.rates !== undefined) {
    const known = new Set(count.layers.flatMap(({ path, factors }) => factors ?? [path]));
    const report = energyOf(count, readRates(given.rates, known), options);
    await print(
      report,
      { ...titles, input: `rates of ${given.rates}` },
      given,
      energySvg(report, undefined, name),
    );
  } else {
    const { x, what } = await samplesFor(model, given, recipe);
    if (chosen && !given.json) console.log(chosen);
    const activity = await measure(model, x, fresh);
    x.dispose();
    const report = energyOf(count, activity, options);
    const svg = energySvg(report, activity, name);
    await print(report, { ...titles, input: what }, given, svg, activity);
  }
  model.dispose();
}

/** For a run, its held-out samples unless data is named; without any data, noise. */
async function samplesFor(
  model: tf.LayersModel,
  given: EnergyArguments,
  recipe: Recipe | undefined,
): Promise<Samples> {
  const { data, samples, seed } = given;
  if (given.text) return sentenceSamples(model, given, recipe?.data.name);
  const input = model.inputs[0]!.shape.slice(1) as number[];
  const set = data === undefined ? undefined : findDataset(data);
  if (set !== undefined) return testSamplesOf(set, input, samples, recipe?.data);
  const folder = data === undefined || (existsSync(data) && statSync(data).isDirectory());
  if (!folder) {
    const facts =
      dataOfModel(model) ?? recipe ?? (isRecording(data, input) ? RECORDING : undefined);
    return facts && isOwnData(facts.data.name)
      ? ownSamplesOf(data, input, samples, facts)
      : samplesOf(data, input, samples, recipe?.data);
  }
  if (recipe) {
    const { x } = await heldOut(recipe, samples, { data: data });
    return { x, what: `${x.shape[0]} held-out samples of the run's ${recipe.data.name}` };
  }
  if (data === undefined && takesText(model)) return randomSentences(model, samples, seed);
  if (data === undefined) return noise(input, samples, seed);
  throw new UsageError(`data must be a data set by name or a file of samples, but got '${data}'`);
}

/** What is known of a recording for a network that records nothing of its data. */
const RECORDING: SampleFacts = { data: { name: 'own-events' } };

/** An .aedat may be of a known data set: samplesOf tells. */
const isRecording = (path: string, input: readonly number[]) =>
  input.length === 4 && extname(path) !== '.aedat' && recordingExtensions.includes(extname(path));

/** A file as `predict` reads it for a network of such data. */
async function ownSamplesOf(
  path: string,
  input: number[],
  most: number,
  facts: SampleFacts,
): Promise<Samples> {
  const [source] = await sourcesOf([path]);
  const found = await questionsOf(source!, input, facts, most);
  const all = found.flatMap(({ data }) => Array.from(data));
  const x = tf.tensor(all, [found.length, ...input]);
  return { x, what: `${found.length} of ${basename(path)}, as ${facts.data.name}` };
}

async function measure(model: tf.LayersModel, x: tf.Tensor, fresh: boolean): Promise<Activity> {
  const bar = showProgress('measuring', x.shape[0]!, process.stderr);
  // Fresh weights have no useful running statistics: use the batch's, as in training.
  return measureActivityAsync(model, x, {
    batchSize: 8,
    training: fresh,
    onProgress: (done) => bar.update(done),
    signal: abortOnInterrupt(),
  }).finally(() => bar.stop());
}

async function print(
  report: EnergyReport,
  about: { model: string; weights: string; input: string },
  { json, svg }: EnergyArguments,
  picture: string,
  activity?: Activity,
): Promise<void> {
  if (json) {
    console.log(
      JSON.stringify(
        { ...about, ...report, ...(activity && { neurons: Object.fromEntries(activity.neurons) }) },
        null,
        2,
      ),
    );
  } else {
    console.log(wrapped(`${about.model} (${about.weights})\ninput: ${about.input}\n`));
    if (activity) console.log(`${activityTable(activity)}\n`);
    console.log(wrapped(energyTable(report)));
  }
  if (svg !== undefined) await writeAtomically(svg, [new TextEncoder().encode(picture)]);
}
