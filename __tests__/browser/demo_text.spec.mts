/** The demo page reads sentences: on every backend, as the command reads them, and with words for what it cannot read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import {
  answers,
  BACKENDS,
  choose,
  DESKTOP,
  DemoSite,
  PHONE,
  saved,
  wrongForAxe,
} from './demo_visitor.mjs';

const MODEL = 'weights/sentences';
const TOKENIZER = 'tokenizers/ratedsentences.json';
const GOOD = 'A slow film, but a warm and funny one.';
const TOKENS = 'a slow film , but a warm and funny one .';
const FIGURES = ['sentence-beginnings', 'sentence-spikes', 'sentence-rates', 'sentence-energy'];

let site: DemoSite;
before(async () => {
  site = await DemoSite.start();
});
after(() => site?.close());

const reads = (page: Page, expected: string) => answers(page, expected, '#sentence-answer');

/** Waits until the pictures are of a sentence of these tokens. */
const looksInside = (page: Page, tokens: string) =>
  page.locator(`#sentence-beginnings[data-tokens="${tokens}"]`).waitFor();

/** A figure's CSV without its first row. */
async function csvOf(page: Page, figure: string): Promise<string[][]> {
  const csv = (await saved(page, `#${figure} .saving button:nth-child(2)`)).toString();
  const cells = (row: string) => row.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g);
  const rows = csv.trim().split('\n').slice(1);
  return rows.map((row) => Array.from(cells(row), ([, quoted, plain]) => quoted ?? plain!));
}

const command = (...args: string[]) =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [
        '--import',
        'tsx',
        'cli/index.ts',
        ...args,
        '--text',
        GOOD,
        '--tokenizer',
        TOKENIZER,
        '--backend',
        'wasm',
        '--json',
      ],
      { encoding: 'utf8' },
    ),
  );

/** Each picture as PNG, and as CSV with all that it shows. */
async function savesPictures(page: Page): Promise<void> {
  for (const name of FIGURES) {
    const png = await sharp(await saved(page, `#${name} .saving button:nth-child(1)`)).stats();
    assert(
      png.channels.some(({ stdev }) => stdev > 1),
      `${name} is one color`,
    );
  }
  const layers = (await csvOf(page, 'sentence-rates')).map(([path]) => path);
  const cells = await csvOf(page, 'sentence-spikes');
  assert.equal(cells.length, layers.length * 11 * 2, 'layers * tokens * time steps');
  assert.deepEqual([...new Set(cells.map(([path]) => path))], layers);
  const rates = cells.map((row) => Number(row.at(-1)));
  assert(rates.every((rate) => rate >= 0 && rate <= 1));
  assert(rates.some((rate) => rate > 0));
  assert.equal((await csvOf(page, 'sentence-energy'))[0]!.length, 7);
}

test('answer, rates and energy are those that the command prints, and pictures are saved', async () => {
  const predicted = command('predict', MODEL, '--recipe', 'sentences-1-64');
  const energy = command('energy', MODEL);
  const { page, said } = await site.visitOnWasm();
  await page.click('#sentence-link');
  await reads(page, 'good');
  assert.equal(await page.inputValue('#sentence-text'), GOOD);
  assert.equal(predicted.prediction, 'positive');
  const { negative, positive } = predicted.probabilities;
  assert.deepEqual(
    await page.locator('#sentence-answer .percent').allTextContents(),
    [negative, positive].map((share) => `${(100 * share).toFixed(1)} %`),
  );
  await looksInside(page, TOKENS);
  const beginnings = await csvOf(page, 'sentence-beginnings');
  assert(Math.abs(Number(beginnings.at(-1)![2]) - positive) < 1e-5, `${beginnings.at(-1)}`);
  assert(new Set(beginnings.map(([, , good]) => good)).size > 1, 'tokens must change the answer');
  assert.deepEqual(
    (await csvOf(page, 'sentence-rates')).map((row) => row.slice(0, 2)),
    Object.entries<{ mean: number }>(energy.neurons).map(([path, { mean }]) => [path, `${mean}`]),
  );
  const figure = page.locator('#sentence-energy');
  assert.equal(await figure.getAttribute('data-ratio'), energy.ratio.toPrecision(4));
  assert.equal(await figure.getAttribute('data-spiking'), energy.totals.totalMJ.toPrecision(5));
  assert.equal(await figure.getAttribute('data-dense'), energy.dense.totalMJ.toPrecision(5));
  await savesPictures(page);
  assert.deepEqual(said, []);
  await page.close();
});

test('what one types is cut into tokens and read; what cannot be read is answered in words', async () => {
  const { page, said } = await site.visitOnWasm();
  const status = (text: string) => page.locator('#sentence-status', { hasText: text }).waitFor();
  const tokens = () => page.locator('#sentence-tokens li').allTextContents();
  await page.fill('#sentence-text', 'Dull, dull, dull and unwatchablest.');
  await page.locator('#sentence-text').scrollIntoViewIfNeeded();
  await reads(page, 'bad');
  await page.locator('#sentence-tokens li', { hasText: '##' }).first().waitFor();
  assert.deepEqual((await tokens()).slice(0, 6), ['dull', ',', 'dull', ',', 'dull', 'and']);
  assert.match((await page.textContent('#sentence-time')) ?? '', /^\d+\.\d ms per sentence$/);

  await page.fill('#sentence-text', 'A wonderful 漢 film');
  await status('does not know one word');
  assert.deepEqual(await tokens(), ['a', 'wonderful', '漢 unknown', 'film']);
  await reads(page, 'good');
  await page.fill('#sentence-text', '漢 字 [PAD]');
  await status('knows none of these words');
  await reads(page, '?');
  assert.deepEqual(await tokens(), ['漢 unknown', '字 unknown']);
  await page.locator('#sentence-energy button:disabled').first().waitFor();
  await page.fill('#sentence-text', '  ');
  await status('Type a sentence about a film');
  assert.deepEqual(await tokens(), []);
  await page.fill('#sentence-text', 'a brilliant film '.repeat(20));
  await status('takes 48 tokens: the last 12 are left out');
  await reads(page, 'good');
  assert.equal((await tokens()).length, 48);

  await page.click('#sentence-samples button:nth-of-type(2)');
  await reads(page, 'bad');
  assert.equal(await page.inputValue('#sentence-text'), 'Slow, predictable and far too long.');
  assert.deepEqual(said, []);
  await page.close();
});

for (const [name, options] of [
  ['desktop, light', { viewport: DESKTOP, colorScheme: 'light' }],
  ['phone, dark', { viewport: PHONE, colorScheme: 'dark', hasTouch: true }],
] as const) {
  test(`axe finds nothing, and nothing is wider than the screen: ${name}`, async () => {
    const { page } = await site.visitOnWasm(options);
    await page.click('#sentence-link');
    await page.fill('#sentence-text', 'A wonderful 漢 film');
    await looksInside(page, 'a wonderful 漢 film');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= options.viewport.width, `the page is ${wide} wide`);
    assert.deepEqual(await wrongForAxe(page), []);
    await page.close();
  });
}

for (const backend of BACKENDS.filter((name) => name !== 'wasm')) {
  test(`${backend} answers as wasm does, and takes over what is typed`, async () => {
    const { page, said } = await site.visitOnWasm();
    await page.click('#sentence-link');
    await page.fill('#sentence-text', 'Dull from beginning to end.');
    await looksInside(page, 'dull from beginning to end .');
    const before = await csvOf(page, 'sentence-beginnings');
    await choose(page, backend);
    await page.fill('#sentence-text', 'Dull from beginning to the end');
    await looksInside(page, 'dull from beginning to the end');
    await page.fill('#sentence-text', 'Dull from beginning to end.');
    await looksInside(page, 'dull from beginning to end .');
    const now = await csvOf(page, 'sentence-beginnings');
    for (const [i, [, token, good]] of now.entries()) {
      assert.equal(token, before[i]![1]);
      assert(Math.abs(Number(good) - Number(before[i]![2])) < 1e-3, `${token}: ${good}`);
    }
    assert.deepEqual(said, []);
    await page.close();
  });
}
