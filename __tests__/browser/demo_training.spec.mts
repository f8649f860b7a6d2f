/** The demo page trains: curves, pause, a model for Node, and memory that does not grow. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Download, Page } from 'playwright-core';
import { dataSets, normalize } from 'tfjs-spikingformer/datasets';
import { fileHandler } from 'tfjs-spikingformer/node';
import { BACKENDS, DemoSite, saved } from './demo_visitor.mjs';

/** How long the page is watched while it trains: 30 s, or as many as this says. */
const SECONDS = Number(process.env.SPIKINGFORMER_PAGE_SECONDS ?? 30);

let site: DemoSite;
before(async () => {
  await tf.ready();
  site = await DemoSite.start();
});
after(() => site?.close());

/** Fills the form and begins. */
async function train(page: Page, options: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(options)) {
    await page.selectOption(name === 'backend' ? '#training-backend' : `[name=${name}]`, value);
  }
  await page.click('#train-start');
}

const status = async (page: Page) => (await page.textContent('#training-status')) ?? '';
const stepOf = async (page: Page) => Number(/Step (\d+)/.exec(await status(page))?.[1] ?? 0);
const small = { embedDim: '16', timeSteps: '1', images: '500', epochs: '1' };

for (const backend of BACKENDS) {
  test(`an epoch on ${backend}: curves, firing rates, and a model that Node loads`, async () => {
    const { page, said } = await site.visitOnWasm();
    await train(page, { backend, ...small });
    await page.locator('#training-status', { hasText: 'Done. Epoch 1 of 1' }).waitFor();
    const csv = (await saved(page, '#curves .saving button:nth-child(2)')).toString();
    const losses = csv.trim().split('\n').slice(1);
    assert.deepEqual(
      losses.map((row) => Number(row.split(',')[0])),
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
    assert(losses.every((row) => Number(row.split(',')[1]) > 0));
    const rates = (await saved(page, '#training-rates .saving button:nth-child(2)')).toString();
    assert.match(rates, /^epoch,tokenizer\/stage1\/lif,[^\n]*\n1,0\.\d/);

    const downloads: Download[] = [];
    page.on('download', (download) => downloads.push(download));
    await page.click('#train-save');
    while (downloads.length < 2) await page.waitForEvent('download');
    const folder = mkdtempSync(join(tmpdir(), 'spikingformer-trained-'));
    for (const one of downloads) await one.saveAs(join(folder, one.suggestedFilename()));
    const model = await tf.loadLayersModel(fileHandler(folder));
    rmSync(folder, { recursive: true });

    // The page reads its own sample with it as Node does.
    await page.click('#train-use');
    await page.locator('#about-model', { hasText: '1 time step;' }).waitFor();
    await page.locator('#time', { hasText: 'ms per image' }).waitFor();
    const shown = await page.locator('#answer .percent').allTextContents();
    const image = await seenPicture(page);
    const { mean, std } = dataSets.mnist;
    const here = tf.tidy(() => {
      const x = tf.tensor4d(normalize(image, mean, std), [1, 28, 28, 1]);
      return tf.softmax(model.predict(x) as tf.Tensor).dataSync();
    });
    for (const [i, text] of shown.entries()) {
      assert(Math.abs(Number.parseFloat(text) - 100 * here[i]!) < 0.11, `${text} ${here[i]}`);
    }
    model.dispose();
    assert.deepEqual(said, []);
    await page.close();
  });
}

/** The picture that the page shows as what the network takes in, a pixel from the middle of each of its cells. */
function seenPicture(page: Page): Promise<Uint8Array> {
  return page
    .locator('#seen')
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const cell = canvas.width / 28;
      return Array.from({ length: 28 * 28 }, (_, i) => {
        const x = Math.floor(((i % 28) + 0.5) * cell);
        const y = Math.floor((Math.floor(i / 28) + 0.5) * cell);
        return data[4 * (y * canvas.width + x)]!;
      });
    })
    .then((pixels) => Uint8Array.from(pixels));
}

test(`pause, resume, stop; memory does not grow in ${SECONDS} s of training`, async () => {
  const { page, said } = await site.visitOnWasm();
  await train(page, { backend: 'wasm', ...small, images: '6000', epochs: '30' });
  await page.locator('#training-status', { hasText: /Step ([5-9]|\d\d)/ }).waitFor();
  await page.click('#train-pause');
  await page.locator('#train-pause', { hasText: 'Resume' }).waitFor();
  const paused = await stepOf(page);
  await page.waitForTimeout(4000);
  const later = await stepOf(page);
  assert(later <= paused + 1, `at most the step that was on ends, but ${later - paused} did`);
  assert.match(await status(page), /^Paused\. Step/);
  await page.click('#train-pause');
  const session = await page.context().newCDPSession(page);
  /** Of the page after a collection, in bytes; tensors of its worker, at a step. */
  const memory = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const tensors = await page.getAttribute('#training-status', 'data-tensors');
    return { usedSize, tensors, step: await stepOf(page) };
  };
  const began = await memory();
  await page.waitForTimeout(1000 * SECONDS);
  const ended = await memory();
  assert(ended.step > began.step, 'it goes on');
  assert.equal(ended.tensors, began.tensors);
  const grown = ended.usedSize - began.usedSize;
  assert(grown < 2 * 2 ** 20, `the page grew by ${grown} bytes`);
  await page.click('#train-end');
  await page.locator('#training-status', { hasText: /^Done/ }).waitFor();
  assert.deepEqual(said, []);
  await page.close();
});
