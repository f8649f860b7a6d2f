/** The demo page: digits read on every backend, what is seen inside, numbers that are the command's, and access. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { trainedModels } from '../../models/trained_models';
import {
  answers,
  BACKENDS,
  choose,
  DESKTOP,
  DemoSite,
  draw,
  mnist,
  PHONE,
  saved,
  wrongForAxe,
} from './demo_visitor.mjs';

/** A one and a seven, as corners. */
const ONE = [
  [0.5, 0.15],
  [0.5, 0.85],
];
const SEVEN = [
  [0.3, 0.2],
  [0.7, 0.2],
  [0.45, 0.85],
];

let site: DemoSite;
before(async () => {
  site = await DemoSite.start();
});
after(() => site?.close());

/** What the command prints. */
function command(...args: string[]) {
  const all = ['--import', 'tsx', 'cli/index.ts', ...args, '--backend', 'wasm', '--json'];
  return JSON.parse(execFileSync(process.execPath, all, { encoding: 'utf8' }));
}

/** The command's answer to a picture, as the page shows it. */
async function answersAsCommand(page: Page, predicted: Predicted): Promise<void> {
  await answers(page, predicted.prediction);
  assert.deepEqual(
    await page.locator('#answer .percent').allTextContents(),
    Object.values(predicted.probabilities).map((share) => `${(100 * share).toFixed(1)} %`),
  );
}

interface Predicted {
  prediction: string;
  probabilities: Record<string, number>;
}

/** Waits until the pictures are of what is drawn now: all name the layers. */
const inside = (page: Page) => page.locator('#raster canvas[aria-label^="Spike raster"]').waitFor();

test('the fastest backend is taken, said, and each reads what is drawn', async () => {
  const { page, said } = await site.visit();
  const note = (await page.textContent('#note')) ?? '';
  const times = [...note.matchAll(/(\w+) (\d+\.\d) ms/g)].map(([, name, ms]) => [name, Number(ms)]);
  assert.deepEqual(times.map(([name]) => name).sort(), [...BACKENDS].sort(), note);
  const [fastest] = times.sort(([, a], [, b]) => Number(a) - Number(b))[0]!;
  assert.match(note, new RegExp(`^Running on ${fastest}, the fastest here`));
  assert.equal(await page.inputValue('#backend'), fastest);
  for (const backend of BACKENDS) {
    await choose(page, backend);
    await draw(page, ONE);
    await answers(page, '1');
    await draw(page, SEVEN);
    await answers(page, '7');
    await inside(page);
    assert.match((await page.textContent('#time')) ?? '', /^\d+\.\d ms per image$/);
  }
  await page.click('#clear');
  await answers(page, '?');
  assert.deepEqual(said, []);
  await page.close();
});

test('without a GPU it goes on with what starts, and says so without alarm', async () => {
  const noGpu = `
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    const { getContext } = OffscreenCanvas.prototype;
    OffscreenCanvas.prototype.getContext = function (kind, ...rest) {
      return kind.includes('webgl') ? null : getContext.call(this, kind, ...rest);
    };`;
  const { page } = await site.visit((page) =>
    page.route('**/worker.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: noGpu + (await response.text()) });
    }),
  );
  const note = page.locator('#note');
  assert.match(
    (await note.textContent()) ?? '',
    /^Running on wasm, .*; webgpu and webgl do not start here\.$/,
  );
  assert.equal(await note.getAttribute('class'), null);
  assert(await page.locator('#backend option[value=webgpu]').isDisabled());
  await page.close();
});

for (const [name, options] of [
  ['desktop, light', { viewport: DESKTOP, colorScheme: 'light' }],
  ['desktop, dark', { viewport: DESKTOP, colorScheme: 'dark' }],
  ['phone, dark', { viewport: PHONE, colorScheme: 'dark', hasTouch: true }],
] as const) {
  test(`axe finds nothing, and nothing is wider than the screen: ${name}`, async () => {
    const { page } = await site.visitOnWasm(options);
    await inside(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= options.viewport.width, `the page is ${wide} wide`);
    assert.deepEqual(await wrongForAxe(page), []);
    await page.close();
  });
}

test('the keyboard alone draws, chooses and wipes', async () => {
  const { page } = await site.visitOnWasm();
  await page.focus('#pad-keys');
  await page.keyboard.press('Delete');
  await answers(page, '?');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Space');
  for (let i = 0; i < 18; i++) await page.keyboard.press('ArrowDown');
  await answers(page, '1');
  await page.focus('#samples button:nth-of-type(3)');
  await page.keyboard.press('Enter');
  await answers(page, '2');
  await page.close();
});

test('class, rates and energy are those that the command prints for the same picture', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-page-'));
  const { images, labels } = mnist(1);
  const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]);
  const idx = join(folder, 'one-idx3-ubyte');
  writeFileSync(idx, Buffer.concat([header, images]));
  const png = join(folder, 'one.png');
  const raw = { width: 28, height: 28, channels: 1 } as const;
  await sharp(Buffer.from(images), { raw }).png().toFile(png);
  const model = 'weights/digits';
  const predicted = command('predict', model, idx, '--recipe', 'mnist-tiny', '--samples', '1');
  const energy = command('energy', model, '--data', idx, '--samples', '1');
  rmSync(idx);

  const { page } = await site.visitOnWasm();
  await page.setInputFiles('#picture', png);
  await answersAsCommand(page, predicted);
  assert.equal(predicted.prediction, String(labels[0]));
  const { totals, dense, ratio } = energy;
  await page.locator(`#energy[data-ratio="${ratio.toPrecision(4)}"]`).waitFor();
  const figure = page.locator('#energy');
  assert.equal(await figure.getAttribute('data-spiking'), totals.totalMJ.toPrecision(5));
  assert.equal(await figure.getAttribute('data-dense'), dense.totalMJ.toPrecision(5));
  const rates = (await saved(page, '#rates .saving button:nth-child(2)')).toString();
  const rows = rates.trim().split('\n').slice(1);
  assert.deepEqual(
    rows.map((row) => row.split(',').slice(0, 2)),
    Object.entries<{ mean: number }>(energy.neurons).map(([path, { mean }]) => [path, `${mean}`]),
  );
  rmSync(folder, { recursive: true });
  await page.close();
});

test('each picture is saved as PNG and as CSV, and follows what is chosen', async () => {
  const { page, said } = await site.visitOnWasm();
  await page.selectOption('#time-steps', '8');
  await inside(page);
  const firstRows: Record<string, string> = {
    raster: 'layer,time_step,neuron',
    rates: 'layer,rate,step_0,step_1,step_2,step_3,step_4,step_5,step_6,step_7',
    attention: 'block,time_step,head,query,key,weight',
    traces: 'layer,neuron,time_step,input,charged,membrane,spike',
    pooling: 'pooled_value,with_cml,without_cml',
    energy: 'layer,input,rate,macs,acs,spiking_uj,without_spikes_uj',
  };
  await page.locator('#rates canvas[aria-label*="tokenizer"]').waitFor();
  for (const [name, first] of Object.entries(firstRows)) {
    await page.locator(`#${name} .saving button:nth-child(2):enabled`).waitFor();
    const csv = (await saved(page, `#${name} .saving button:nth-child(2)`)).toString();
    const [head, ...rows] = csv.trim().split('\n');
    assert.equal(head, first);
    assert(rows.length > 0, name);
    const png = await sharp(await saved(page, `#${name} .saving button:nth-child(1)`)).stats();
    assert(
      png.channels.some(({ stdev }) => stdev > 1),
      `${name} is one color`,
    );
  }
  await page.selectOption('#traces select', 'block1/attn/q_lif');
  await page.fill('#traces input', '0, 5');
  await page.press('#traces input', 'Enter');
  await page.locator('#traces canvas[aria-label*="neuron 5 of block1/attn/q_lif"]').waitFor();
  assert.deepEqual(said, []);
  await page.close();
});

test('photographs: another network, its accuracy beside it, answers as the command does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-page-'));
  const png = join(folder, 'sky.png');
  const sky = (i: number) => (i < 20 * 32 ? [90, 150, 230] : [40, 60 + (i % 32), 30]);
  const pixels = Buffer.from(Array.from({ length: 32 * 32 }, (_, i) => sky(i)).flat());
  await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toFile(png);
  const predicted = command('predict', 'cifar10', png);
  const { page, said } = await site.visitOnWasm();
  await page.selectOption('#model', 'weights/cifar10');
  const { data, accuracy, samples } = trainedModels.cifar10;
  const about = `trained on ${data}: ${(100 * accuracy).toFixed(2)} % of ${samples.toLocaleString('en')} test samples right`;
  await page.locator('#about-model', { hasText: about }).waitFor();
  await page.locator('#picture-hint', { hasText: 'airplane, automobile, bird' }).waitFor();
  await page.setInputFiles('#picture', png);
  await answersAsCommand(page, predicted);
  await inside(page);
  assert.deepEqual(await wrongForAxe(page), []);
  assert.deepEqual(said, []);
  rmSync(folder, { recursive: true });
  await page.close();
});

test("a network of the visitor's own; files that are none are refused in words", async () => {
  const { page } = await site.visitOnWasm();
  const model = 'weights/digits';
  const { weightsManifest } = JSON.parse(readFileSync(`${model}/model.json`, 'utf8'));
  await page.setInputFiles('#model-files', [
    `${model}/model.json`,
    `${model}/${weightsManifest[0].paths[0]}`,
  ]);
  await page.locator('#about-model', { hasText: 'trained for mnist' }).waitFor();
  await draw(page, SEVEN);
  await answers(page, '7');
  const note = page.locator('#note.error');
  await page.setInputFiles('#model-files', `${model}/model.json`);
  await note.filter({ hasText: 'model.json and its weights, chosen together' }).waitFor();
  await page.setInputFiles('#picture', `${model}/model.json`);
  await note.filter({ hasText: 'model.json must be a picture' }).waitFor();
  await page.close();
});
