/**
 * What fewer tokens cost and save: `npm run bench -- token_pruning [--recipe mnist-tiny] [--depth 4] [--patch 4]
 * [--backend wasm] [--rounds 3] [--epochs N] [--samples N]` trains the recipe's network with so many blocks and pixels to
 * a side of a token, then evaluates it with shares of tokens in every block, without training anew (TP-Spikformer). Every
 * share takes its turn in each round. Epochs and training samples are the recipe's unless given.
 * results/token_pruning.csv, and a picture beside it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { useBackend } from '../cli/shared/choose_backend';
import { linearAxis } from '../display/axis';
import { lineChart } from '../display/line_chart';
import { copyWeights } from '../models';
import { datasetEntry } from '../node/datasets/registry';
import { evaluate } from '../training/evaluation';
import { modelFromRecipe, trainerConfigFromRecipe } from '../training/from_recipe';
import { parseRecipe } from '../training/parse_recipe';
import { Trainer } from '../training/trainer';
import { count } from './_options';
import { replaceCsv } from './csv';
import { median } from './measure';

const SHARES = [1, 0.75, 0.5, 0.25];

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      recipe: { type: 'string', default: 'mnist-tiny' },
      depth: { type: 'string', default: '4' },
      patch: { type: 'string', default: '4' },
      backend: { type: 'string', default: 'wasm' },
      rounds: { type: 'string', default: '3' },
      epochs: { type: 'string' },
      samples: { type: 'string' },
    },
  });
  const { backend, epochs, samples } = values;
  const rounds = count('rounds', values.rounds);
  await useBackend(backend);
  const file = `recipes/${values.recipe}.yaml`;
  const changes = [
    `model.depth=${values.depth}`,
    `model.patchSize=${values.patch}`,
    ...(epochs ? [`epochs=${count('epochs', epochs)}`] : []),
    ...(samples ? [`data.trainSamples=${count('samples', samples)}`] : []),
  ];
  const recipe = parseRecipe(readFileSync(file, 'utf8'), file, changes);
  const entry = datasetEntry(recipe.data.name);
  if (entry.kind !== 'images') throw new Error(`--recipe must be of images, but got ${file}`);
  const [train, test] = [
    await entry.open({ split: 'train', partial: true }),
    await entry.open({ split: 'test', partial: true }),
  ];
  const trained = modelFromRecipe(recipe);
  const config = trainerConfigFromRecipe(recipe, { train, test });
  const trainer = new Trainer({ ...config, model: trained });
  for await (const { epoch, epochs, testAccuracy } of trainer.run()) {
    console.log(`epoch ${epoch + 1}/${epochs}: ${(100 * testAccuracy!).toFixed(2)} %`);
  }
  trainer.dispose();

  const models = SHARES.map((share) => {
    const keepTokens = share === 1 ? undefined : share;
    const model = modelFromRecipe({ ...recipe, model: { ...recipe.model, keepTokens } });
    copyWeights(trained, model);
    return { share, model, seconds: [] as number[], accuracy: 0 };
  });
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? models : [...models].reverse()) {
      const began = performance.now();
      each.accuracy = (await evaluate(each.model, config.test!)).accuracy;
      each.seconds.push((performance.now() - began) / 1000);
    }
  }
  const whole = median(models[0]!.seconds);
  const rows = models.map(({ share, seconds, accuracy }) => ({
    date: new Date().toISOString().slice(0, 10),
    ...{ recipe: values.recipe, depth: values.depth, patch: values.patch, backend },
    share,
    accuracy: accuracy.toFixed(4),
    time: (median(seconds) / whole).toFixed(3),
    command: ['npm run bench -- token_pruning', ...args].join(' '),
  }));
  for (const { share, accuracy, time } of rows) {
    console.log(`${share} of the tokens: accuracy ${accuracy}, time ${time} of that with all`);
  }
  replaceCsv('results/token_pruning.csv', ['recipe', 'depth', 'patch', 'backend', 'share'], rows);
  const line = rows.map(({ time, accuracy }) => [Number(time), 100 * Number(accuracy)] as const);
  const title = `Accuracy against time with ${SHARES.join(', ')} of the tokens`;
  const panel = {
    x: linearAxis(line.map(([time]) => time)),
    y: linearAxis(
      line.map(([, accuracy]) => accuracy),
      { roundEnds: true },
    ),
    ...{ xLabel: 'evaluation time, of that with all tokens', yLabel: 'test accuracy, %' },
    series: [{ name: `${values.recipe}, ${values.depth} blocks, ${backend}`, line }],
  };
  const subtitle = 'no training with fewer tokens; npm run bench -- token_pruning';
  const svg = lineChart({ title, subtitle, panels: [panel], panelWidth: 480 });
  writeFileSync('results/token_pruning.svg', `${svg}`);
}
