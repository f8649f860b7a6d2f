/** The demo page plays recordings: every format, frame by frame, to the answer that Node gives to the whole. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { Page } from 'playwright-core';
import * as spiking from 'tfjs-spikingformer';
import { type Events, eventsToFrames } from 'tfjs-spikingformer/datasets';
import { fileHandler } from 'tfjs-spikingformer/node';
import { probabilities, seededWeights } from 'tfjs-spikingformer/training';
import { saccades } from '../../examples/browser/network/saccades';
import {
  aedat2File,
  aedat31File,
  dvs128Word,
  nMnistFile,
  type TestEvent,
} from '../datasets/event_files';
import { DemoSite, mnist, saved, wrongForAxe } from './demo_visitor.mjs';

const FRAMES = 8;

const folder = join(mkdtempSync(join(tmpdir(), 'spikingformer-events-')), 'model-events');
let site: DemoSite;
let model: tf.LayersModel;

before(async () => {
  await tf.ready();
  // Of random weights, in the place of the one that ships: what is held is that page and Node agree.
  model = seededWeights(1, () =>
    spiking.models.spikingformer({
      inputShape: [FRAMES, 34, 34, 2],
      numClasses: 10,
      embedDim: 16,
      depth: 1,
      numHeads: 1,
      patchSize: 8,
      vThreshold: 0.1, // low, that spikes of random weights reach the end
    }),
  );
  mkdirSync(folder);
  await model.save(fileHandler(folder));
  site = await DemoSite.start();
});
after(async () => {
  await site?.close();
  rmSync(join(folder, '..'), { recursive: true });
});

/** The page beside whose digit network lies the network for events above. */
async function visit() {
  const models = [
    { folder: 'weights/digits', kind: 'images', sample: [28, 28, 1] },
    { folder: 'model-events', kind: 'events', sample: [FRAMES, 34, 34, 2] },
  ];
  return site.visitOnWasm(undefined, async (page) => {
    await page.route('**/models.json', (route) => route.fulfill({ json: models }));
    await page.route('**/model-events/*', (route) =>
      route.fulfill({ body: readFileSync(join(folder, route.request().url().split('/').at(-1)!)) }),
    );
  });
}

/** What Node answers to the whole recording on the network's 34 x 34 pixels. */
function answerOf(events: Events): Float32Array {
  const { data, shape } = eventsToFrames(events, { frames: FRAMES, splitBy: 'time' });
  const x = tf.tensor(data, [1, ...shape]);
  const logits = model.predict(x) as tf.Tensor;
  const answer = probabilities(logits.dataSync<'float32'>());
  tf.dispose([x, logits]);
  return answer;
}

/** The answers after each frame, once all have been played. */
async function played(page: Page): Promise<number[][]> {
  await page.locator('#events-play', { hasText: 'Play again' }).waitFor();
  const csv = (await saved(page, '#events-answers .saving button:nth-child(2)')).toString();
  const rows = csv.trim().split('\n').slice(1);
  return rows.map((row) => row.split(',').slice(1).map(Number));
}

function assertClose(got: readonly number[], expected: Float32Array): void {
  assert.equal(got.length, expected.length);
  for (const [i, p] of got.entries()) assert(Math.abs(p - expected[i]!) < 1e-5, `${got}`);
}

const rowsOf = ({ t, x, y, p }: Events): TestEvent[] =>
  Array.from(t, (time, i) => ({ t: time, x: x[i]!, y: y[i]!, p: p[i]! }));

test('files of three formats are played to the answer that Node gives; another is refused', async () => {
  const recording = saccades(mnist(1).images);
  const events = rowsOf(recording);
  const expected = answerOf(recording);
  const { page, said } = await visit();
  const play = async (name: string, buffer: Uint8Array) => {
    const file = { name, mimeType: 'application/octet-stream', buffer: Buffer.from(buffer) };
    await page.setInputFiles('#recording', file);
  };
  await play('digit.bin', nMnistFile(events));
  await page.locator('#events-status', { hasText: /^N-MNIST, 34 × 34: [\d,]+ events/ }).waitFor();
  const answers = await played(page);
  assert.equal(answers.length, FRAMES);
  assertClose(answers.at(-1)!, expected);
  assert(new Set(answers.map((row) => row.join())).size > 1, 'frames must change the answer');

  // A camera of 128 x 128, on which each pixel of 34 x 34 has one that falls onto it.
  const large = events.map((event) => ({
    ...event,
    x: Math.ceil((event.x * 128) / 34),
    y: Math.ceil((event.y * 128) / 34),
  }));
  await play('digit.aedat', aedat2File(large.map((event) => [dvs128Word(event), event.t])));
  await page.locator('#events-status', { hasText: /^AEDAT 2.0, 128 × 128/ }).waitFor();
  assertClose((await played(page)).at(-1)!, expected);
  await play('digit.aedat', aedat31File([{ events: large }]));
  await page.locator('#events-status', { hasText: /^AEDAT 3.1, 128 × 128/ }).waitFor();
  assertClose((await played(page)).at(-1)!, expected);

  await play('digit.txt', Buffer.from('no recording'));
  await page.locator('#events-status.error', { hasText: 'digit.txt is none of them' }).waitFor();
  assert.deepEqual(said, []);
  await page.close();
});

/** Clicks in the page itself: the second frame may have passed before a machine that is busy sees it from outside. */
function pauseAtSecondFrame(): void {
  const watcher = new MutationObserver(() => {
    if (!document.querySelector('#events-frame canvas[aria-label^="Frame 2 of"]')) return;
    watcher.disconnect();
    document.querySelector<HTMLButtonElement>('#events-play')!.click();
  });
  const attributeFilter = ['aria-label'];
  watcher.observe(document.body, { subtree: true, childList: true, attributeFilter });
}

test('what is drawn is recorded, played, paused and played on', async () => {
  const { page, said } = await visit();
  await page.evaluate(pauseAtSecondFrame);
  await page.click('#events-drawn');
  await page.locator('#events-status', { hasText: /^generated, 34 × 34: [\d,]+ events/ }).waitFor();
  await page.locator('#events-play', { hasText: /^Play$/ }).waitFor();
  await page.locator('#events-frame canvas[aria-label^="Frame 2 of"]').waitFor();
  await page.click('#events-play');
  assert.equal((await played(page)).length, FRAMES);
  assert.match((await page.textContent('#events-time')) ?? '', /^\d+\.\d ms per frame$/);
  assert.match((await page.textContent('#events-answer .best')) ?? '', /^\d$/);
  assert.deepEqual(await wrongForAxe(page), []);
  assert.deepEqual(said, []);
  await page.close();
});
