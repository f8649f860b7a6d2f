/** A page that is isolated from other origins: tfjs takes its threaded build, with shared memory, and so do our kernels. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type * as tf from '@tensorflow/tfjs';
import type * as wasmBackend from '@tensorflow/tfjs-backend-wasm';
import type { Browser } from 'playwright-core';
import { dataSets, normalize } from 'tfjs-spikingformer/datasets';
import type { BackendWasm } from '../../lib/tfjs_internals';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';
import { writeScriptTagPage } from '../../scripts/browser/script_tags.mjs';
import { ISOLATION, serve } from '../../scripts/browser/serve.mjs';
import { mnist } from './demo_visitor.mjs';

/** What the page's script tags set. */
type Globals = { tf: typeof tf & { wasm: typeof wasmBackend } };

const IMAGES = 60;

const folder = mkdtempSync(join(tmpdir(), 'spikingformer-threads-'));
let browser: Browser;

before(async () => {
  writeScriptTagPage(folder);
  cpSync('weights/digits', join(folder, 'model'), { recursive: true });
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** What a page with those headers computes: the logits of images, losses of training on them, and on what. */
async function compute(headers: Record<string, string>, threads: number) {
  const { images, labels } = mnist(IMAGES);
  const { mean, std } = dataSets.mnist;
  const pixels = Array.from(normalize(images, mean, std));
  const server = await serve(folder, { headers });
  const page = await openPage(browser);
  // tfjs takes at most half of the cores that the browser reports, and CI may have two.
  await page.addInitScript(() =>
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 }),
  );
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  try {
    await page.goto(server.address);
    const computed = await page.evaluate(
      async ([values, classes, count]) => {
        const { tf } = globalThis as unknown as Globals;
        tf.wasm.setThreadsCount(count);
        await tf.setBackend('wasm');
        const model = await tf.loadLayersModel('model/model.json');
        model.compile({ optimizer: 'sgd', loss: tf.losses.softmaxCrossEntropy });
        const x = tf.tensor4d(values, [values.length / 784, 28, 28, 1]);
        const y = tf.oneHot(tf.tensor1d(classes, 'int32'), 10);
        const logits = Array.from(await (model.predict(x) as tf.Tensor).data());
        const options = { batchSize: 20, epochs: 2, shuffle: false };
        const { history } = await model.fit(x, y, options);
        const { wasm } = tf.backend() as unknown as BackendWasm;
        const memory = wasm.wasmMemory ?? wasm.asm!.memory!;
        return {
          logits,
          losses: history.loss as number[],
          isShared: Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]',
          threads: wasm.tfjs?.getThreadsCount() ?? 1,
        };
      },
      [pixels, Array.from(labels), threads] as const,
    );
    assert.deepEqual(errors, []);
    return computed;
  } finally {
    await page.close();
    await server.close();
  }
}

/** The largest difference between two lists of numbers. */
function difference(a: readonly number[], b: readonly number[]): number {
  assert.equal(a.length, b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

test('a page without the headers has one thread and memory of its own', async () => {
  const { isShared, threads } = await compute({}, 2);
  assert.deepEqual({ isShared, threads }, { isShared: false, threads: 1 });
});

test('an isolated page predicts and trains in shared memory with 1 and 2 threads as one without', async () => {
  const expected = await compute({}, 1);
  for (const threads of [1, 2]) {
    const computed = await compute(ISOLATION, threads);
    assert.equal(computed.isShared, true);
    assert.equal(computed.threads, threads);
    assert(difference(computed.logits, expected.logits) < 1e-4, `logits of ${threads} threads`);
    assert(difference(computed.losses, expected.losses) < 1e-3, `losses of ${threads} threads`);
  }
});
