/** `spikingformer energy`: activity and energy of a model, as a table, JSON and a picture. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  measureActivity,
} from '../analysis/index';
import { writeAtomically } from '../node/_files';
import { useBackend } from './_choose_backend';
import { openModel } from './_model';
import { RECIPE, recipeOf } from './_run_folder';
import { isDataset, noise, samplesOf, testSamplesOf } from './_samples';

export interface EnergyArguments {
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
  const { samples, seed, attentionHeads, assumptions, wholeNumbers, memory = null } = given;
  const options = { assumptions, wholeNumbers, memory };
  const chosen = given.rates === undefined ? await useBackend(given.backend) : undefined;
  const { model, preset } = await openModel(name);
  const count = countOperations(model, attentionHeads === undefined ? {} : { attentionHeads });
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
    const rules = existsSync(join(name, RECIPE)) ? recipeOf(name).data : undefined;
    const { x, what } =
      data === undefined
        ? noise(input, samples, seed)
        : isDataset(data)
          ? await testSamplesOf(data, input, samples, rules)
          : samplesOf(data, input, samples, rules);
    if (chosen && !given.json) console.log(chosen);
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
