/** `spikingformer energy`: activity and energy of a model, as a table, JSON and a picture. */
import { readFileSync } from 'node:fs';
import {
  type Activity,
  activityTable,
  countOperations,
  type EnergyOptions,
  type EnergyReport,
  energyAssumptions,
  energyOf,
  energySvg,
  energyTable,
  type MemoryName,
  measureActivity,
  memories,
} from '../analysis/index';
import { writeAtomically } from '../node/_files';
import { UsageError } from './_errors';
import { openModel } from './_model';
import { isDataset, noise, samplesOf, testSamplesOf } from './_samples';

export interface EnergyArguments {
  data?: string;
  rates?: string;
  samples: string;
  seed: string;
  assumptions: string;
  memory?: string;
  wholeNumbers: string;
  attentionHeads?: string;
  json?: boolean;
  svg?: string;
}

function wholeNumber(name: string, value: string, least: number): number {
  if (!/^\d+$/.test(value) || Number(value) < least) {
    throw new UsageError(`${name} must be a whole number, ${least} or more, but got '${value}'`);
  }
  return Number(value);
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new UsageError(`${name} must be one of ${allowed.join(', ')}, but got '${value}'`);
}

function energyOptions(given: EnergyArguments): EnergyOptions {
  const names = Object.keys(energyAssumptions) as (keyof typeof energyAssumptions)[];
  return {
    assumptions: oneOf('--assumptions', given.assumptions, names),
    wholeNumbers: oneOf('--whole-numbers', given.wholeNumbers, ['mac', 'ac'] as const),
    memory:
      given.memory === undefined
        ? null
        : oneOf('--memory', given.memory, Object.keys(memories) as MemoryName[]),
  };
}

/** Firing rates from a JSON file: `{"block1/attn/q": 0.13, ...}`. */
function readRates(path: string, known: ReadonlySet<string>): Map<string, number> {
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (content === null || typeof content !== 'object' || Array.isArray(content)) {
    throw new Error(`${path} must hold an object of rates by layer path`);
  }
  const rates = new Map<string, number>();
  for (const [layer, rate] of Object.entries(content)) {
    if (!known.has(layer))
      throw new Error(`${path} names a layer that the model has not: ${layer}`);
    if (typeof rate !== 'number') throw new Error(`${path} must hold a number for ${layer}`);
    rates.set(layer, rate);
  }
  return rates;
}

export async function energy(name: string, given: EnergyArguments): Promise<void> {
  const options = energyOptions(given);
  const samples = wholeNumber('--samples', given.samples, 1);
  const seed = wholeNumber('--seed', given.seed, 0);
  const heads = given.attentionHeads;
  if (given.rates !== undefined && given.data !== undefined) {
    throw new UsageError('--rates and --data must not be given together');
  }
  const { model, preset } = await openModel(name);
  const count = countOperations(
    model,
    heads === undefined ? {} : { attentionHeads: wholeNumber('--attention-heads', heads, 1) },
  );
  const weights = preset
    ? 'fresh weights: rates say nothing of a trained network'
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
    const input = model.inputs[0]!.shape.slice(1) as number[];
    const { data } = given;
    const { x, what } =
      data === undefined
        ? noise(input, samples, seed)
        : isDataset(data)
          ? await testSamplesOf(data, input, samples)
          : samplesOf(data, input, samples);
    // Fresh weights have no running statistics to speak of: the batch's own, as in training.
    const activity = measureActivity(model, x, { batchSize: 8, training: preset });
    x.dispose();
    const report = energyOf(count, activity, options);
    const svg = energySvg(report, activity, name);
    await print(report, { ...titles, input: what }, given, svg, activity);
  }
  model.dispose();
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
    console.log(`${about.model} (${about.weights})\ninput: ${about.input}\n`);
    if (activity) console.log(`${activityTable(activity)}\n`);
    console.log(energyTable(report));
  }
  if (svg !== undefined) await writeAtomically(svg, [new TextEncoder().encode(picture)]);
}
