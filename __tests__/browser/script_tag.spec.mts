/** Pages without a bundler: models that go from Node to the browser and back, through files for <script> tags. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Browser, Page } from 'playwright-core';
import { dataSets, normalize } from 'tfjs-spikingformer/datasets';
import { fileHandler } from 'tfjs-spikingformer/node';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';
import { writeScriptTagPage } from '../../scripts/browser/script_tags.mjs';
import { serve } from '../../scripts/browser/serve.mjs';
import { mnist } from './demo_visitor.mjs';

/** What the page's script tags set. */
type Globals = { tf: typeof tf };

const BACKENDS = ['webgpu', 'webgl', 'wasm', 'cpu'];
const IMAGES = 100;
const MODEL = 'weights/digits';

const folder = mkdtempSync(join(tmpdir(), 'spikingformer-script-tags-'));
let browser: Browser;
let server: Awaited<ReturnType<typeof serve>>;

before(async () => {
  await tf.ready();
  writeScriptTagPage(folder);
  cpSync(MODEL, join(folder, 'model'), { recursive: true });
  server = await serve(folder);
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Page> {
  const page = await openPage(browser);
  await page.goto(server.address);
  return page;
}

/** Pixels as the model was trained on them. */
function asTrained(images: Uint8Array): number[] {
  const { mean, std } = dataSets.mnist;
  return Array.from(normalize(images, mean, std));
}

function classesInNode(model: tf.LayersModel, pixels: number[]): number[] {
  return tf.tidy(() => {
    const logits = model.predict(tf.tensor4d(pixels, [IMAGES, 28, 28, 1])) as tf.Tensor;
    return Array.from(logits.argMax(-1).dataSync());
  });
}

test('through script tags: a model trained in Node gives the same classes in Chromium', async () => {
  const { images } = mnist(IMAGES);
  const pixels = asTrained(images);
  const here = classesInNode(await tf.loadLayersModel(fileHandler(MODEL)), pixels);
  const page = await open();
  for (const backend of BACKENDS) {
    await page.evaluate((name) => (globalThis as unknown as Globals).tf.setBackend(name), backend);
    const there = await page.evaluate(async (values) => {
      const { tf } = globalThis as unknown as Globals;
      const model = await tf.loadLayersModel('model/model.json');
      const x = tf.tensor4d(values, [values.length / 784, 28, 28, 1]);
      return Array.from(await (model.predict(x) as tf.Tensor).argMax(-1).data());
    }, pixels);
    assert.deepEqual(there, here, backend);
  }
  await page.close();
});

test('through script tags: a model trained further in Chromium gives the same classes in Node', async () => {
  const { images, labels } = mnist(IMAGES);
  const pixels = asTrained(images);
  const page = await open();
  for (const backend of ['webgpu', 'webgl', 'wasm']) {
    await page.evaluate((name) => (globalThis as unknown as Globals).tf.setBackend(name), backend);
    const trained = await page.evaluate(
      async ([values, labels]) => {
        const { tf } = globalThis as unknown as Globals;
        const model = await tf.loadLayersModel('model/model.json');
        model.compile({ optimizer: tf.train.adam(0.001), loss: tf.losses.softmaxCrossEntropy });
        const x = tf.tensor4d(values, [values.length / 784, 28, 28, 1]);
        const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
        await model.fit(x.slice(0, 20), y.slice(0, 20), { batchSize: 10 });
        const classes = Array.from(await (model.predict(x) as tf.Tensor).argMax(-1).data());
        let saved: tf.io.ModelArtifacts | undefined;
        const saving = tf.io.withSaveHandler(async (artifacts) => {
          saved = artifacts;
          return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
        });
        await model.save(saving);
        const weights = new Uint8Array(saved?.weightData as ArrayBuffer);
        return {
          classes,
          artifacts: { ...saved, weightData: undefined },
          weights: Array.from(weights),
        };
      },
      [pixels, labels] as const,
    );
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        ...trained.artifacts,
        weightData: Uint8Array.from(trained.weights).buffer,
      }),
    );
    assert.deepEqual(classesInNode(model, pixels), trained.classes, backend);
    assert(new Set(trained.classes).size > 1, 'one class for all would prove nothing');
  }
  await page.close();
});
