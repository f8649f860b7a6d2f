/**
 * One image on wasm in headless Chromium: in a page as any host sends it, and in one that is isolated from other
 * origins, with tfjs's threaded build, on 1 and 2 threads: `npm run bench -- wasm_threads [--rounds 15]`. The pages
 * take turns. Logits of a settled 4-256; results/wasm_threads.csv.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type * as wasmBackend from '@tensorflow/tfjs-backend-wasm';
import type { Browser } from 'playwright-core';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from 'tfjs-spikingformer/node';
import { useBackend } from '../cli/shared/choose_backend';
import { minutes, runShown } from '../node/native/process';
import { launchChromium, openPage } from '../scripts/browser/chromium.mjs';
import { writeScriptTagPage } from '../scripts/browser/script_tags.mjs';
import { ISOLATION, serve } from '../scripts/browser/serve.mjs';
import { count } from './_options';
import { settle } from './_settle';
import { appendCsv } from './csv';
import { measure, printTimings, timingRows } from './measure';

/** What the page's script tags set, and what `evaluator` leaves there. */
interface Globals {
  tf: typeof tf & { wasm: typeof wasmBackend };
  model: tf.LayersModel;
  image: tf.Tensor;
}

const NETWORK = 'spikingformer-4-256-cifar10';

async function saveNetwork(folder: string): Promise<void> {
  await useBackend('wasm');
  const model = spiking.models.create(NETWORK);
  settle(model, () => tf.randomUniform([4, 32, 32, 3]), 30);
  await model.save(fileHandler(folder));
  model.dispose();
}

/** A page with the network loaded; a call evaluates one image in it. */
async function evaluator(browser: Browser, address: string, threads: number) {
  const page = await openPage(browser);
  // tfjs takes at most half of the cores that the browser reports.
  await page.addInitScript(
    (cores) => Object.defineProperty(navigator, 'hardwareConcurrency', { value: cores }),
    2 * threads,
  );
  await page.goto(address);
  const taken = await page.evaluate(async (wanted) => {
    const global = globalThis as unknown as Globals;
    const { tf } = global;
    tf.wasm.setThreadsCount(wanted);
    await tf.setBackend('wasm');
    global.model = await tf.loadLayersModel('model/model.json');
    global.image = tf.randomUniform([1, 32, 32, 3]);
    return crossOriginIsolated ? tf.wasm.getThreadsCount() : 1;
  }, threads);
  if (taken !== threads) throw new Error(`tfjs must take ${threads} threads, but took ${taken}`);
  return () =>
    page.evaluate(async () => {
      const { model, image } = globalThis as unknown as Globals;
      const logits = model.predict(image) as tf.Tensor;
      await logits.data();
      logits.dispose();
    });
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '15' } } });
  const rounds = count('rounds', values.rounds);
  await runShown('node', ['scripts/build_script_tag.mjs'], 'the build', minutes(10));
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-threads-'));
  const [plain, isolated] = [await serve(folder), await serve(folder, { headers: ISOLATION })];
  const browser = await launchChromium();
  try {
    writeScriptTagPage(folder);
    await saveNetwork(join(folder, 'model'));
    const timings = await measure(
      {
        'without the headers': await evaluator(browser, plain.address, 1),
        'isolated, 1 thread': await evaluator(browser, isolated.address, 1),
        'isolated, 2 threads': await evaluator(browser, isolated.address, 2),
      },
      { rounds, warmup: 3 },
    );
    const title = `${NETWORK}, wasm in Chromium, 1 image`;
    printTimings(title, timings);
    appendCsv('results/wasm_threads.csv', timingRows(title, timings));
  } finally {
    await browser.close();
    await Promise.all([plain.close(), isolated.close()]);
    rmSync(folder, { recursive: true });
  }
}
