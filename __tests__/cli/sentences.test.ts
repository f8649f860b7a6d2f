/** A model of text, as a user types it: predict and energy on sentences of arguments and of stdin, and what is refused. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { writeReport } from '../../cli/_report';
import { ratedSentences } from '../../node/datasets';
import { fileHandler } from '../../node/runs/file_handler';
import { packagedTokenizer } from '../../node/tokenizer';
import { modelFromRecipe, testDataFromRecipe } from '../../training/from_recipe';
import type { EpochReport } from '../../training/observer';
import { parseRecipe } from '../../training/parse_recipe';
import { ratedSentencesArchive } from '../node/datasets/sentences_archive';
import '../support/backends';
import { root, runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const env = { SPIKINGFORMER_DATA: directory };
const folder = join(directory, 'ratedsentences');
const run = join(directory, 'run');
const cli = (...args: string[]) => runFile('cli/index.ts', args, env);
const predict = (...args: string[]) => cli('predict', run, '--backend', 'cpu', ...args);
const recipeText = readFileSync(join(root, 'recipes/sentences-1-64.yaml'), 'utf8').replace(
  'embedDim: 64',
  'embedDim: 16',
);
const recipe = parseRecipe(recipeText, 'small');
let model: tf.LayersModel;

/** A run of fresh weights. */
beforeAll(async () => {
  mkdirSync(folder);
  mkdirSync(run);
  writeFileSync(join(folder, 'hutto_ICWSM_2014.tar.gz'), ratedSentencesArchive(60));
  writeFileSync(join(run, 'recipe.yaml'), recipeText);
  await tf.setBackend('cpu');
  model = modelFromRecipe(recipe);
  await model.save(fileHandler(join(run, 'model')));
  await model.save(fileHandler(join(directory, 'alone'))); // of no run
});
afterAll(() => model.dispose());

/** The model's own probabilities for the ids of a sentence. */
async function expected(text: string): Promise<number[]> {
  const tokenizer = await packagedTokenizer('ratedsentences');
  const ids = Array.from(tokenizer.encode(text).ids);
  return tf.tidy(() => {
    const x = tf.tensor2d([...ids, ...Array(48 - ids.length).fill(0)], [1, 48], 'int32');
    return [...(model.predict(x) as tf.Tensor).softmax().dataSync()];
  });
}

test('predict takes sentences of its arguments, and a line each of stdin', async () => {
  const texts = ['A wonderful film, number 3.', 'A dull film, number 4.'];
  const { stdout, stderr, status } = predict('--json', '--text', ...texts);
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(answers).toHaveLength(2);
  for (const [i, { probabilities }] of answers.entries()) {
    const [negative, positive] = await expected(texts[i]!);
    expect(probabilities.negative).toBeCloseTo(negative!, 5);
    expect(probabilities.positive).toBeCloseTo(positive!, 5);
  }
  const args = ['--import', 'tsx', 'cli/index.ts', 'predict', run, '--backend', 'cpu', '--json'];
  const piped = spawnSync(process.execPath, [...args, '--text', '-'], {
    ...{ cwd: root, encoding: 'utf8', env: { ...process.env, ...env } },
    input: `${texts.join('\r\n')}\n\n`,
  });
  expect(piped.stdout).toBe(stdout);
});

test('a sentence that is too long is cut, with a warning', () => {
  const { stderr, status } = predict('--text', 'film '.repeat(50), 'A film.');
  expect({ stderr, status }).toEqual({
    stderr: 'warning: 1 of 2 sentences cut to 48 tokens\n',
    status: 0,
  });
});

test('energy counts sentences that are given, held-out ones of a run, and random ones', () => {
  const energy = (...args: string[]) =>
    JSON.parse(cli('energy', ...args, '--backend', 'cpu', '--json').stdout);
  const { input, layers } = energy(run, '--text', 'A wonderful film.');
  expect(input).toBe('1 sentences');
  expect(layers.length).toBeGreaterThan(5);
  const held = energy(run, '--samples', '3', '--data', 'ratedsentences');
  expect(held.input).toBe('3 test samples of ratedsentences');
  const alone = energy(join(directory, 'alone'), '--samples', '2');
  expect(alone.input).toMatch(/^2 sentences of random tokens \(seed 0\)/);
});

test.each<[string, string[], RegExp]>([
  [
    'an empty sentence',
    ['--text', 'A film.', ' '],
    /sentences\[1\] must be a text of at least one word/,
  ],
  [
    'an unknown token',
    ['--text', 'A 漢 film'],
    /sentences\[0\] must be of words that the tokenizer knows, but its token 1 is unknown: "A 漢 film"/,
  ],
  [
    'a tokenizer that is none',
    ['--text', 'A film', '--tokenizer', 'package.json'],
    /package\.json is no tokenizer that can be read: it must be an object with a 'model'/,
  ],
  [
    'a file beside sentences',
    ['digits.bin', '--text', 'A film'],
    /predict takes sources or --text, but got 'digits\.bin' and --text/,
  ],
])('%s is refused by name', (_, args, message) => {
  const { status, stderr } = predict(...args);
  expect(stderr).toMatch(message);
  expect(status).not.toBe(0);
});

test('ids beyond the vocabulary are named, and so is a model that takes no text', () => {
  const vocab = { '[PAD]': 0, '[UNK]': 1, film: 9000 };
  const words = { type: 'WordPiece', unk_token: '[UNK]', vocab };
  const none = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  const parts = { added_tokens: [], ...none };
  const foreign = join(directory, 'tokenizer.json');
  writeFileSync(foreign, JSON.stringify({ ...parts, model: words }));
  expect(predict('--text', 'film', '--tokenizer', foreign).stderr).toMatch(
    /ids\[0\]\[0\] must be a whole number from 0 to 7999, .* but got 9000/,
  );
  const images = cli('energy', 'spikingformer-4-256-cifar10', '--text', 'film', '--backend', 'cpu');
  expect(images.stderr).toMatch(
    /--text is for models of text, but this one takes samples of shape \[32,32,3\]/,
  );
  expect(images.status).toBe(2);
});

test('the report shows sentences, and what they are taken for', async () => {
  const source = await ratedSentences({ split: 'test', root: folder, partial: true });
  const epoch: EpochReport = {
    ...{ epoch: 0, epochs: 1, step: 1, learningRate: 1, trainLoss: 1, trainAccuracy: 0.5 },
    ...{ testLoss: 1, testAccuracy: 0.5, testTop5: 1, averageAccuracy: null },
    ...{ firingRates: {}, dead: [], saturated: [], seconds: 1, samplesPerSecond: 1 },
  };
  const testData = testDataFromRecipe(recipe, { test: source });
  const input = { run, recipe, model, parameters: 1, history: [epoch], test: source, testData };
  const report = readFileSync(await writeReport(input), 'utf8');
  expect(report.match(/<q>A (wonderful|dull) film, number \d+\.<\/q>/g)).toHaveLength(12);
});
