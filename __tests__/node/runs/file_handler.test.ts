/** Models in folders: saved and loaded on every backend, several in one folder, and what is refused. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../../../node/runs/file_handler';
import { describeEachBackend } from '../../support/backends';
import { expectNoLeak } from '../../support/leaks';
import { runScript, temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
let count = 0;
const fresh = () => join(directory, `model${count++}`);

function small(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [6, 6, 2] }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 4, activation: 'softmax' }),
    ],
  });
}

const files = (path: string) => readdirSync(path).sort();
const values = (model: tf.LayersModel) => model.getWeights().map((w) => Array.from(w.dataSync()));

/** The shards, named as the Keras converter names them, of a model saved at `path`. */
function shard(path: string, bytesEach: number): string[] {
  const jsonPath = join(path, 'model.json');
  const json = JSON.parse(readFileSync(jsonPath, 'utf8'));
  const bytes = readFileSync(join(path, json.weightsManifest[0].paths[0]));
  const total = Math.ceil(bytes.length / bytesEach);
  const paths = Array.from({ length: total }, (_, i) => `group1-shard${i + 1}of${total}.bin`);
  for (const [i, name] of paths.entries()) {
    writeFileSync(join(path, name), bytes.subarray(i * bytesEach, (i + 1) * bytesEach));
  }
  json.weightsManifest[0].paths = paths;
  writeFileSync(jsonPath, JSON.stringify(json));
  return paths;
}

describeEachBackend('fileHandler', () => {
  test('saves model.json and one weights file, and loads them bit for bit', async () => {
    const path = fresh();
    const model = small();
    const saved = await model.save(fileHandler(path));
    expect(saved.modelArtifactsInfo.modelTopologyType).toBe('JSON');
    expect(files(path)).toEqual([
      'model.json',
      expect.stringMatching(/^model\.weights\.[0-9a-f]{16}\.bin$/),
    ]);
    const loaded = await tf.loadLayersModel(fileHandler(path));
    expect(values(loaded)).toEqual(values(model));
  });

  test('takes a .json path, a URL, and makes missing directories', async () => {
    const path = join(fresh(), 'a', 'b', 'best.json');
    const model = small();
    await model.save(fileHandler(path));
    for (const same of [path, pathToFileURL(path)]) {
      expect(values(await tf.loadLayersModel(fileHandler(same)))).toEqual(values(model));
    }
  });

  test('keeps the optimizer: compiled, trained, saved, loaded', async () => {
    const path = fresh();
    const model = small();
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const x = tf.randomUniform([8, 6, 6, 2], 0, 1, 'float32', 7);
    const y = tf.oneHot(tf.range(0, 8, 1, 'int32').mod(tf.scalar(4, 'int32')), 4);
    model.layers[0].trainable = false; // convolutions do not train on every stock backend
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    await model.trainOnBatch(x, y);
    await model.save(fileHandler(path), { includeOptimizer: true });

    const loaded = await tf.loadLayersModel(fileHandler(path));
    const moments = async (m: tf.LayersModel) =>
      (await m.optimizer.getWeights()).map((w) => Array.from(w.tensor.dataSync()));
    expect((await moments(loaded)).length).toBeGreaterThan(1);
    expect(await moments(loaded)).toEqual(await moments(model));
    expect(loaded.loss).toBe('categoricalCrossentropy');
  });

  test('loads shards that cut through weights, as the Keras converter writes them', async () => {
    const path = fresh();
    const model = small();
    await model.save(fileHandler(path));
    expect(shard(path, 101).length).toBeGreaterThan(3);
    expect(values(await tf.loadLayersModel(fileHandler(path)))).toEqual(values(model));
  });

  test('leaks nothing', async () => {
    const path = fresh();
    const model = small();
    await expectNoLeak(() => model.save(fileHandler(path)));
    await expectNoLeak(async () => (await tf.loadLayersModel(fileHandler(path))).dispose());
  });
});

describe('fileHandler', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('removes the old weights after a save, and only its own that nothing else needs', async () => {
    const path = fresh();
    const model = small();
    await model.save(fileHandler(path));
    const [, first] = files(path);
    writeFileSync(join(path, 'weights.bin'), 'not ours');
    const kept = join(path, 'first.json');
    writeFileSync(kept, readFileSync(join(path, 'model.json')));

    model.setWeights(model.getWeights().map((w) => w.add(1)));
    await model.save(fileHandler(path));
    const [, , ...both] = files(path);
    expect(both).toContain(first); // first.json needs it
    expect(both).toContain('weights.bin');

    const second = both.filter((name) => name !== first && name !== 'weights.bin');
    expect(second).toHaveLength(1);
    model.setWeights(model.getWeights().map((w) => w.add(1)));
    await model.save(fileHandler(path));
    expect(files(path)).not.toContain(second[0]);
    await expect(tf.loadLayersModel(fileHandler(kept))).resolves.toBeDefined();
  });

  test('saves of one path that overlap leave one whole model', async () => {
    const path = fresh();
    const model = small();
    await model.save(fileHandler(path));
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 6; i++) {
      model.setWeights(model.getWeights().map((w) => w.mul(0).add(i % 2)));
      work.push(model.save(fileHandler(path)), tf.loadLayersModel(fileHandler(path)));
    }
    await Promise.all(work);
    expect(files(path)).toHaveLength(2);
    const loaded = await tf.loadLayersModel(fileHandler(path));
    expect(values(loaded)).toEqual(values(model));
  });

  test('a model without weights', async () => {
    const path = fresh();
    await tf
      .sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2] })] })
      .save(fileHandler(path));
    const loaded = await tf.loadLayersModel(fileHandler(path));
    expect(loaded.countParams()).toBe(0);
  });

  test('metadata survives', async () => {
    const path = fresh();
    const model = small();
    model.setUserDefinedMetadata({ epoch: 3, classes: ['a', 'b'] });
    await model.save(fileHandler(path));
    const loaded = await tf.loadLayersModel(fileHandler(path));
    expect(loaded.getUserDefinedMetadata()).toEqual({ epoch: 3, classes: ['a', 'b'] });
  });

  test("loads what tfjs-node's file:// handler writes", async () => {
    const path = fresh();
    mkdirSync(path);
    const model = small();
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        const { modelTopology, weightSpecs, weightData } = artifacts;
        const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
        writeFileSync(join(path, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
        const json = { modelTopology, weightsManifest, format: 'layers-model', convertedBy: null };
        writeFileSync(join(path, 'model.json'), JSON.stringify(json));
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
      }),
    );
    expect(values(await tf.loadLayersModel(fileHandler(path)))).toEqual(values(model));
  });

  test('a fresh process loads it, waits for wasm by itself and predicts the same', async () => {
    const path = fresh();
    const model = small();
    await model.save(fileHandler(path));
    await tf.setBackend('wasm');
    await tf.ready();
    const input = tf.linspace(-1, 1, 72).reshape([1, 6, 6, 2]);
    const expected = Array.from((model.predict(input) as tf.Tensor).dataSync());
    await tf.setBackend('cpu');
    const script = `
      import * as tf from '@tensorflow/tfjs';
      import { fileHandler } from 'tfjs-spikingformer/node';
      const model = await tf.loadLayersModel(fileHandler(process.argv[1]));
      const y = model.predict(tf.linspace(-1, 1, 72).reshape([1, 6, 6, 2]));
      console.log(JSON.stringify([tf.getBackend(), Array.from(await y.data())]));
    `;
    const { stdout, stderr, status } = runScript(script, [path]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(['wasm', expected]);
  });
});

describe('fileHandler refuses', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const load = (path: string) => tf.loadLayersModel(fileHandler(path));

  async function saved(): Promise<string> {
    const path = fresh();
    await small().save(fileHandler(path));
    return path;
  }

  test.each(['', 'file://./model', 'http://host/model.json', 3, null, undefined])(
    'the path %p',
    (path) => {
      expect(() => fileHandler(path as string)).toThrow(/path must be a path in the file system/);
    },
  );

  test('nothing there', async () => {
    const path = fresh();
    await expect(load(path)).rejects.toThrow(`no model at ${join(path, 'model.json')}`);
    mkdirSync(path);
    await expect(load(path)).rejects.toThrow(`no model at ${join(path, 'model.json')}`);
    await expect(load(join(path, 'x.json'))).rejects.toThrow(`no model at ${join(path, 'x.json')}`);
  });

  test('to save over a file or under one', async () => {
    const path = fresh();
    writeFileSync(path, 'a file');
    await expect(small().save(fileHandler(path))).rejects.toThrow(/must be a directory or end in/);
    await expect(small().save(fileHandler(join(path, 'sub')))).rejects.toThrow(path);
    expect(readFileSync(path, 'utf8')).toBe('a file');
  });

  test.each([
    ['half of it', (text: string) => text.slice(0, text.length >> 1), /model\.json is not JSON/],
    ['nothing', () => '', /model\.json is not JSON/],
    ['null', () => 'null', /has no modelTopology/],
    ['another JSON', () => '{"a": 1}', /has no modelTopology/],
  ])('a model.json that holds %s', async (_, damage, message) => {
    const path = await saved();
    const jsonPath = join(path, 'model.json');
    writeFileSync(jsonPath, damage(readFileSync(jsonPath, 'utf8')));
    await expect(load(path)).rejects.toThrow(message);
  });

  test.each([
    ['no array', {}, /weightsManifest must be an array/],
    ['a group without paths', [{ weights: [] }], /weightsManifest\[0\] must have the arrays/],
    ['a path out of its directory', [{ paths: ['../w.bin'], weights: [] }], /beside model.json/],
    ['an absolute path', [{ paths: ['/etc/passwd'], weights: [] }], /beside model.json/],
    ['a weight without shape', [{ paths: [], weights: [{ name: 'a' }] }], /must have name, shape/],
    [
      'an unknown dtype',
      [{ paths: [], weights: [{ name: 'a', shape: [1], dtype: 'int4' }] }],
      /weight 'a' has the unknown dtype 'int4'/,
    ],
    ['null', null, /weightsManifest must be an array, but is null/],
    ['a group that is null', [null], /weightsManifest\[0\] must have the arrays/],
    [
      'the name of a method as dtype',
      [{ paths: [], weights: [{ name: 'a', shape: [1], dtype: 'toString' }] }],
      /unknown dtype 'toString'/,
    ],
    [
      'a quantization of another type',
      [{ paths: [], weights: [{ name: 'a', shape: [1], dtype: 'float32', quantization: 8 }] }],
      /weight 'a': its quantization must have dtype, scale and min, but is 8/,
    ],
  ])('a manifest with %s', async (_, weightsManifest, message) => {
    const path = await saved();
    const jsonPath = join(path, 'model.json');
    const json = JSON.parse(readFileSync(jsonPath, 'utf8'));
    writeFileSync(jsonPath, JSON.stringify({ ...json, weightsManifest }));
    await expect(load(path)).rejects.toThrow(message);
  });

  test.each([
    ['shorter', (bytes: Buffer) => bytes.subarray(0, -4)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(4)])],
    ['empty', () => Buffer.alloc(0)],
  ])('weights that are %s than model.json says', async (_, damage) => {
    const path = await saved();
    const file = join(path, files(path)[1]);
    const bytes = readFileSync(file);
    writeFileSync(file, damage(bytes));
    await expect(load(path)).rejects.toThrow(
      new RegExp(`${files(path)[1]}: expected ${bytes.length} bytes of weights`),
    );
  });

  test('a missing shard', async () => {
    const path = await saved();
    const shards = shard(path, 200);
    const { rmSync } = await import('node:fs');
    rmSync(join(path, shards[1]));
    await expect(load(path)).rejects.toThrow(`${join(path, shards[1])} is missing`);
  });
});
