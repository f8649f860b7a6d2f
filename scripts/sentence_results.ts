/**
 * What a recipe of sentences reaches, beside the same encoder without spikes and logistic regression on a bag of words,
 * all on one split; each run is a row of results/sentences.csv, with the accuracy after its last epoch.
 *
 *   npx spikingformer datasets prepare ratedsentences
 *   npx tsx scripts/sentence_results.ts --seeds 1,2,3
 *   npx tsx scripts/sentence_results.ts --validation
 *
 * `--validation` is for choosing options: the last 1,000 sentences of the training split are held out, those of the test
 * split stay unread, and rows are printed only.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Command, Option } from 'commander';
import { appendCsv, type Row } from '../bench/csv';
import { useBackend } from '../cli/shared/choose_backend';
import { dataSets } from '../datasets/data_sets';
import { memorySource } from '../datasets/memory_source';
import type { SampleSource } from '../datasets/sample';
import { countParameters } from '../models/index';
import { ratedSentences } from '../node/index';
import { modelFromRecipe, trainerConfigFromRecipe } from '../training/from_recipe';
import { parseRecipe } from '../training/parse_recipe';
import type { Recipe } from '../training/recipe';
import { firstSamples } from '../training/sample_data';
import { seededWeights } from '../training/seeded_weights';
import { Trainer } from '../training/trainer';
import { accuracyOfBags, bagsOf, fitBags } from './_bag_of_words';
import { type EncoderSizes, encoderWithoutSpikes } from './_encoder_without_spikes';
import { integers } from './_training_runs';

const methods = ['spikes', 'without spikes', 'bag of words'] as const;

interface Options {
  recipe: string;
  seeds: number[];
  methods: (typeof methods)[number][];
  set: string[];
  validation?: boolean;
  backend?: string;
}

const options = new Command('sentence_results')
  .option('--recipe <name>', 'of rated sentences', 'sentences-1-64')
  .option('--seeds <list>', 'one run each', integers, [1, 2, 3])
  .addOption(new Option('--methods <name...>', 'which').choices(methods).default([...methods]))
  .option('--set <key=value>', 'change the recipe', (value, all: string[]) => [...all, value], [])
  .option('--validation', 'hold out sentences of the training split instead of those of the test')
  .option('--backend <name>')
  .parse()
  .opts<Options>();
const given = process.argv.slice(2).map((text) => (text.includes(' ') ? `'${text}'` : text));
const command = `npx tsx scripts/sentence_results.ts ${given.join(' ')}`.trim();

const file = join('recipes', `${options.recipe}.yaml`);
/** How many sentences validation holds out. */
const HELD_OUT = 1000;
/** Chosen by validation. */
const bagOptions = { l2: 1e-4, epochs: 20, learningRate: 0.05 };

await useBackend(options.backend);
const whole = await ratedSentences({ split: 'train' });
const kept = options.validation ? whole.length - HELD_OUT : whole.length;
const train = { source: firstSamples(whole, kept), sentences: whole.sentences.slice(0, kept) };
const test = options.validation ? await lastSamples(kept) : await testSamples();

async function testSamples() {
  const source = await ratedSentences({ split: 'test' });
  return { source: source as SampleSource, sentences: source.sentences };
}

async function lastSamples(from: number) {
  const sentences = whole.sentences.slice(from);
  const { name, classNames } = whole;
  const shape = dataSets.ratedsentences.sample;
  const data = new Float32Array(sentences.length * shape[0]);
  for (let i = 0; i < sentences.length; i++)
    data.set((await whole.read(from + i)).data, i * shape[0]);
  const labels = Uint8Array.from(sentences, ({ label }) => label);
  const source = memorySource({ name, split: 'validation', data, shape, labels, classNames });
  return { source, sentences };
}

/** The options of the recipe's network as the encoder without spikes has them. */
function sizesOf({ model }: Recipe): EncoderSizes {
  const { embedDim, depth, numHeads = 8, mlpRatio = 4, scale = 0.125, padId } = model;
  const { sample, classes, vocabSize } = dataSets.ratedsentences;
  return {
    ...{ inputShape: [...sample], numClasses: classes, vocabSize, numHeads, mlpRatio, scale },
    ...{ embedDim: embedDim!, depth: depth!, padId: padId! },
  };
}

async function trainNetwork(recipe: Recipe, model: tf.LayersModel) {
  const sources = { train: train.source, test: test.source, model };
  const trainer = new Trainer({ ...trainerConfigFromRecipe(recipe, sources), model });
  let accuracy = 0;
  for await (const epoch of trainer.run()) {
    accuracy = epoch.averageAccuracy ?? epoch.testAccuracy!;
    console.log(`epoch ${epoch.epoch + 1}: ${accuracy}, dead: ${epoch.dead?.join(' ') || 'none'}`);
  }
  const { parameters } = countParameters(model);
  trainer.dispose();
  model.dispose();
  return { parameters, epochs: recipe.epochs, accuracy };
}

function trainBags(seed: number) {
  const texts = (sentences: typeof test.sentences) => sentences.map(({ text }) => text);
  const labels = (sentences: typeof test.sentences) => sentences.map(({ label }) => label);
  const bags = bagsOf(texts(train.sentences), texts(test.sentences));
  const learnt = { ids: bags.train, labels: labels(train.sentences) };
  const weights = fitBags(learnt, bags.size, { ...bagOptions, seed });
  const accuracy = accuracyOfBags(weights, { ids: bags.others, labels: labels(test.sentences) });
  return { parameters: bags.size + 1, epochs: bagOptions.epochs, accuracy };
}

for (const seed of options.seeds) {
  const recipe = parseRecipe(readFileSync(file, 'utf8'), file, [...options.set, `seed=${seed}`]);
  const run = {
    spikes: () => trainNetwork(recipe, modelFromRecipe(recipe)),
    'without spikes': () =>
      trainNetwork(
        recipe,
        seededWeights(seed, () => encoderWithoutSpikes(sizesOf(recipe))),
      ),
    'bag of words': async () => trainBags(seed),
  };
  for (const method of options.methods) {
    const begun = performance.now();
    const { parameters, epochs, accuracy } = await run[method]();
    const seconds = Math.round((performance.now() - begun) / 1000);
    const row: Row = {
      date: new Date().toISOString().slice(0, 10),
      ...{ recipe: recipe.name, method, seed, backend: tf.getBackend(), parameters, epochs },
      ...{ testAccuracy: accuracy, seconds, command },
    };
    console.log(row);
    if (!options.validation) appendCsv(join('results', 'sentences.csv'), [row]);
  }
}
