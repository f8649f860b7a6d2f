/** The package's trained models: their files and table agree, they answer, and files that were changed are refused. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { parseCsv } from '../../display/csv';
import { models } from '../../index';
import { setPackageFiles } from '../../lib/package_files';
import { mnist } from '../../node';
import { dataOfModel, evaluate, evaluationData, firstSamples } from '../../training';
import { describeEachBackend } from '../support/backends';
import { root } from '../support/process';

const { trainedModels, load } = models;
const names = Object.keys(trainedModels) as models.TrainedModelName[];
const folder = join(root, 'weights');

test('each folder of weights has a row, whose bytes and hashes are those of its files', () => {
  const there = readdirSync(folder).sort();
  expect([...names].sort()).toEqual(there);
  for (const name of names) {
    const files = readdirSync(join(folder, name)).map((file) => {
      const bytes = readFileSync(join(folder, name, file));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return [file, { bytes: bytes.length, sha256 }];
    });
    expect({ name, files: trainedModels[name].files }).toEqual({
      name,
      files: Object.fromEntries(files),
    });
  }
});

test('accuracies are those of the last rows in results/trained_models.csv', () => {
  const rows = parseCsv(readFileSync(join(root, 'results/trained_models.csv'), 'utf8'));
  for (const name of names) {
    const { accuracy, samples } = trainedModels[name];
    const measured = rows.filter((row) => row.name === name).at(-1)!;
    expect({ name, accuracy: measured.accuracy, samples: measured.samples }).toEqual({
      name,
      accuracy: String(accuracy),
      samples: String(samples),
    });
  }
});

test('each row names a recipe and a command that there are', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const { recipe, command } of Object.values(trainedModels)) {
    expect(readdirSync(join(root, 'recipes'))).toContain(`${recipe}.yaml`);
    const [, script] = /^npm run (\S+)/.exec(command) ?? [];
    expect(script ? Object.keys(scripts) : ['npx spikingformer train']).toContain(
      script ?? command.slice(0, 23),
    );
  }
});

describeEachBackend('load', () => {
  test('digits are read as its row states, and nothing leaks', async () => {
    const before = tf.memory().numTensors;
    const model = await load('digits');
    expect(dataOfModel(model)!.classNames).toHaveLength(trainedModels.digits.classes);
    const test = firstSamples(await mnist({ split: 'test' }), 100);
    const { accuracy } = await evaluate(model, evaluationData(test, { batchSize: 100 }));
    expect(accuracy).toBeGreaterThan(0.96);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each(names)('%s has an output for each class, whose names it records', async (name) => {
    const model = await load(name);
    const { classes } = trainedModels[name];
    expect(model.outputs[0]!.shape).toEqual([null, classes]);
    expect(dataOfModel(model)!.classNames).toHaveLength(classes);
    model.dispose();
  });
});

describe('from an address', () => {
  let server: Server;
  let address: string;
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      asked.push(url!);
      const [, copy, ...path] = url!.split('/');
      if (copy === 'none') response.statusCode = 404;
      const bytes = copy === 'none' ? Buffer.alloc(0) : readFileSync(join(folder, ...path));
      if (copy === 'changed' && url!.endsWith('.bin')) bytes[1000]! ^= 1;
      response.end(bytes);
    });
    await new Promise<void>((done) => {
      server.listen(0, '127.0.0.1', done);
    });
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test('a copy of the folder is enough, and only it is asked', async () => {
    const model = await load('recordings', { from: new URL(`${address}/copy/`) });
    expect(model.inputs[0]!.shape).toEqual([null, 8, 34, 34, 2]);
    expect(asked).toEqual(
      Object.keys(trainedModels.recordings.files).map((file) => `/copy/recordings/${file}`),
    );
    model.dispose();
  });

  test('one flipped bit is an error that names the file, before a tensor is made', async () => {
    const before = tf.memory().numTensors;
    await expect(load('digits', { from: `${address}/changed` })).rejects.toThrow(
      /^weights\/digits\/model\.weights\.1b7b9519d2508f93\.bin must have SHA-256 1b7b\w{60}, but has \w{64}$/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a file that is missing is an error with its address', async () => {
    await expect(load('digits', { from: `${address}/none` })).rejects.toThrow(
      `${address}/none/digits/model.json cannot be loaded: 404`,
    );
  });
});

test('wrong names and options, and a page that gives no address', async () => {
  await expect(load('digit' as never)).rejects.toThrow(
    /name must be one of digits, cifar10, recordings.*\(Did you mean digits\?\), but got 'digit'/,
  );
  await expect(load('toString' as never)).rejects.toThrow(/name must be one of/);
  await expect(load('digits', { form: 'x' } as never)).rejects.toThrow(/no option 'form'/);
  setPackageFiles(undefined);
  await expect(load('digits')).rejects.toThrow(/from must be the address of a copy/);
});
