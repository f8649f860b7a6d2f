/** From a folder to a trained model and its answers, and on to other classes: as a user types it. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { answersOf, EarlyExit } from '../../cli/_answers';
import { sourcesOf } from '../../cli/_sources';
import { printable } from '../../cli/shared/printable';
import { models } from '../../index';
import { freezeLayers } from '../../models/freeze';
import { fileHandler } from '../../node';
import { cifar10DvsFile, write } from '../node/datasets/recordings';
import '../support/backends';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const at = (...path: string[]) => join(directory, ...path);
const cli = (...args: string[]) => runFile('cli/index.ts', args, {}, directory);
const lines = (text: string) => text.trimEnd().split('\n');
const small = [
  'model.embedDim=16',
  'model.numHeads=2',
  'epochs=5',
  'batchSize=2',
  'effectiveBatch=2',
]
  .concat('schedule.warmupEpochs=0')
  .flatMap((setting) => ['--set', setting]);
const wasm = ['--backend', 'wasm'];

beforeAll(async () => {
  for (const [name, angle] of [
    ['cold', 0],
    ['warm', 90],
  ] as const) {
    for (let i = 0; i < 10; i++) {
      const stripes = [0, 1, 2, 3, 4, 5].map(
        (k) => `<rect y="${9 * k + i - 9}" x="-20" width="90" height="4"/>`,
      );
      const turned = `<g transform="rotate(${angle} 20 18)">${stripes.join('')}</g>`;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="36"><rect width="40" height="36" fill="#fc${i}"/>${turned}</svg>`;
      write(directory, `mine/${name}/${i}.jpg`, await sharp(Buffer.from(svg)).jpeg().toBuffer());
    }
  }
  write(directory, 'mine/cold/broken.jpg', 'no image');
  for (let i = 0; i < 5; i++) {
    for (const name of ['a', 'b']) write(directory, `rec/${name}/${i}.aedat`, cifar10DvsFile(i));
  }
});

test('a folder becomes a model, a report and answers in three commands', () => {
  const trained = cli(
    'train',
    '--data',
    'mine',
    '--out',
    'run',
    '--split',
    '0.2',
    ...small,
    ...wasm,
  );
  expect(trained.stderr).toMatch(/warning: 1 not readable and left out: cold\/broken\.jpg/);
  expect(trained.status).toBe(0);
  expect(trained.stdout).toMatch(
    /^2 classes: cold 10, warm 10\n16 images to train on, 4 held out, as 36 x 40$/m,
  );
  expect(readFileSync(at('run/report.html'), 'utf8')).toContain('<h2>Confusion');
  expect(JSON.parse(readFileSync(at('run/data.json'), 'utf8'))).toMatchObject({
    classNames: ['cold', 'warm'],
    unreadable: [{ name: 'cold/broken.jpg' }],
  });
  const { status, stdout, stderr } = cli(
    'predict',
    'run',
    'mine/*/1.jpg',
    'mine/cold/broken.jpg',
    '--top',
    '2',
    ...wasm,
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: mine\/cold\/broken\.jpg cannot be decoded as an image/m);
  expect(lines(stdout)).toHaveLength(2);
  expect(stdout).toMatch(/^mine\/cold\/1\.jpg {2}(cold|warm) [\d.]+ %, (cold|warm) [\d.]+ %$/m);
  expect(cli('evaluate', 'run', ...wasm).stdout).toContain('% of 4 correct');
});

test("a model keeps its class names where its run's folder is missing; an early exit prints what it saves", () => {
  const json = (...args: string[]) =>
    lines(cli('predict', ...args, '--json', ...wasm).stdout).map((line) => JSON.parse(line));
  const [byRun] = json('run', 'mine/warm/3.jpg', '--per-step');
  expect(Object.keys(byRun.probabilities)).toEqual(['cold', 'warm']);
  expect(byRun.perStep).toHaveLength(2);
  expect(byRun.perStep[1].warm).toBeCloseTo(byRun.probabilities.warm, 5);
  cpSync(at('run/model'), at('elsewhere'), { recursive: true });
  const [byModel] = json('elsewhere', 'mine/warm/3.jpg');
  for (const name of ['cold', 'warm']) {
    expect(byModel.probabilities[name]).toBeCloseTo(byRun.probabilities[name], 6);
  }
  const early = json('run', 'mine/warm', '--sure', '0.001');
  expect(early.at(-1)).toEqual({ event: 'end', meanSteps: 1, timeSteps: 2, saved: 0.5 });
});

test('recordings of a folder, and two classes more from what was trained, layers frozen', async () => {
  const trained = cli(
    'train',
    '--data',
    'rec',
    '--out',
    'events',
    ...small,
    '--set',
    'model.timeSteps=2',
    ...wasm,
  );
  expect(trained.stdout).toMatch(/8 recordings to train on, 2 held out, as 64 x 64/);
  expect(cli('predict', 'events', 'rec/a/0.aedat', ...wasm).stdout).toMatch(
    /^rec\/a\/0\.aedat {2}[ab] /,
  );
  const begun = ['--from', 'run', '--freeze', 'tokenizer', '--classes', 'warm,cold'];
  const other = ['--out', 'next', '--size', '48', '--split', '0.3', ...small.slice(4)];
  const more = cli('train', '--data', 'mine', ...begun, ...other, ...wasm);
  expect({ status: more.status, errors: more.stderr.match(/^error.*/gm) }).toEqual({
    status: 0,
    errors: null,
  });
  expect(more.stdout).toMatch(/^from run: \d+ of \d+ weights, of tokenizer, block1; head is new$/m);
  const [old, next] = await Promise.all(
    ['run', 'next'].map((run) => tf.loadLayersModel(fileHandler(at(run, 'model')))),
  );
  const weights = (model: tf.LayersModel, layer: string) =>
    model
      .getLayer(layer)
      .getWeights()
      .map((weight) => [...weight.dataSync()]);
  expect(weights(next!, 'tokenizer')).toEqual(weights(old!, 'tokenizer'));
  expect(weights(next!, 'block1')).not.toEqual(weights(old!, 'block1'));
  expect(next!.inputs[0]!.shape).toEqual([null, 48, 48, 3]);
  const wrong = cli(
    'train',
    '--data',
    'mine',
    '--from',
    'run',
    '--freeze',
    'tokeniser',
    '--out',
    'no',
    ...wasm,
  );
  expect(wrong.stderr).toMatch(
    /freeze must be of tokenizer, block1, head \(Did you mean tokenizer\?\)/,
  );
  tf.dispose([old!.weights, next!.weights].flat().map((weight) => weight.read()));
});

test.each([
  [
    '--data of a folder that is none',
    ['train', '--data', 'nowhere'],
    /--data must be a folder, but got 'nowhere'/,
  ],
  [
    '--split of a known data set',
    ['train', '--recipe', 'mnist-tiny', '--split', '0.5'],
    /--split is for data of your own/,
  ],
  [
    '--from a preset',
    ['train', '--data', 'mine', '--from', 'spikingformer-4-256-cifar10', '--out', 'x'],
    /--from must be a trained model/,
  ],
  [
    'a source that is not there',
    ['predict', 'run', 'nowhere.jpg'],
    /source must be a file, folder, glob, address or -/,
  ],
  [
    'an address of another kind',
    ['predict', 'run', 'file:///etc/passwd'],
    /must be an http or https address/,
  ],
])('%s is asked wrongly', (_, args, message) => {
  const { status, stderr } = cli(...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});

describe('sources', () => {
  test('an address: its bytes, an error of the server, too much', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/large')
        for (let i = 0; i < 65; i++) response.write(Buffer.alloc(2 ** 20));
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end('bytes');
    }).listen(0);
    const { port } = server.address() as AddressInfo;
    const read = async (path: string) => {
      const [source] = await sourcesOf([`http://localhost:${port}/${path}`]);
      return `${await source!.read()}`;
    };
    expect(await read('image.png?size=3')).toBe('bytes');
    await expect(read('missing')).rejects.toThrow(/the server answers 404/);
    await expect(read('large')).rejects.toThrow(/at most 67108864 bytes/);
    server.close();
  });

  test('globs: a folder, folders below, stars that would take for ever', async () => {
    const named = async (glob: string) => (await sourcesOf([at(glob)])).map(({ name }) => name);
    expect(await named('mine/c*d/?.jpg')).toHaveLength(10);
    expect(await named('**/2.aedat')).toEqual([at('rec/a/2.aedat'), at('rec/b/2.aedat')]);
    writeFileSync(at(`${'a'.repeat(200)}.png`), '');
    await expect(named(`${'a*'.repeat(60)}b.png`)).rejects.toThrow(/has none/);
  });

  test('names cannot steer a terminal', () => {
    expect(printable('a\u001b[2Jb\n\u202ec')).toBe('a\\u001b[2Jb\\u000a\\u202ec');
  });
});

describe('early exit', () => {
  test.each([
    ['images', [16, 16, 3], [2, 16, 16, 3]],
    ['frames', [3, 16, 16, 2], [2, 3, 16, 16, 2]],
  ])('of %s: step by step it gives the answers of all steps', async (_, inputShape, shape) => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const model = models.spikingformer({
      inputShape,
      numClasses: 4,
      embedDim: 8,
      depth: 1,
      numHeads: 2,
      timeSteps: 3,
      patchSize: 4,
    });
    const x = tf.randomUniform(shape, 0, 3, 'float32', 5);
    const whole = await answersOf(model, x, true);
    const exit = new EarlyExit(model, 0.999999);
    expect(exit.timeSteps).toBe(3);
    for (const i of [0, 1]) {
      const one = x.slice([i], [1]);
      const { perStep, steps } = await exit.answer(one);
      one.dispose();
      expect(steps).toBe(3);
      for (const [t, shares] of perStep!.entries()) {
        for (const [k, share] of shares.entries())
          expect(share).toBeCloseTo(whole[i]!.perStep![t]![k]!, 5);
      }
    }
    exit.dispose();
    model.dispose();
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('frozen layers have no trainable weights; not all may be frozen', () => {
  const model = models.spikingformer({
    inputShape: [8, 8, 1],
    numClasses: 2,
    embedDim: 8,
    depth: 1,
    numHeads: 2,
  });
  freezeLayers(model, ['tokenizer', 'block1']);
  expect(model.trainableWeights.map(({ originalName }) => originalName)).toEqual([
    'head/kernel',
    'head/bias',
  ]);
  expect(() => freezeLayers(model, ['head'])).toThrow(/something must be left to learn/);
  model.dispose();
});
