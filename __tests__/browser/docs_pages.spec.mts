/** The pages that docs/ shows whole, ```html, run in Chromium as they stand; the CDN's files come from npm. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { readNpmTarball } from 'tfjs-spikingformer/node';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';

const here = createRequire(import.meta.url);
const CDN = 'https://cdn.jsdelivr.net/npm/';
const TFJS_VIS_INTEGRITY =
  'sha512-oNithKiR7VZaE+xUvz6Leww4TYEPhKi8j5xnEYvT3j7brK2Njdvril7UgFtZ8EYZBdeX6XNim5Eu3/23gTQ1dA==';
const PAGE = 'http://docs.invalid/';

let browser: Browser;
/** The files that the pages load, by path on the CDN. */
const files = new Map<string, Buffer>();

before(async () => {
  const vis = await readNpmTarball('@tensorflow/tfjs-vis', '1.5.1', {
    integrity: TFJS_VIS_INTEGRITY,
  });
  const own = 'dist/spikingformer.min.js';
  files.set(`tfjs-spikingformer/${own}`, readFileSync(own));
  files.set(
    '@tensorflow/tfjs@4.22.0/dist/tf.min.js',
    readFileSync(here.resolve('@tensorflow/tfjs/dist/tf.min.js')),
  );
  files.set(
    '@tensorflow/tfjs-vis@1.5.1/dist/tfjs-vis.umd.min.js',
    Buffer.from(vis.get('dist/tfjs-vis.umd.min.js') as Uint8Array),
  );
  browser = await launchChromium();
});
after(() => browser?.close());

const pages = readdirSync('docs')
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => {
    const blocks = readFileSync(`docs/${name}`, 'utf8').matchAll(/^```html\n([\s\S]*?)^```/gm);
    return Array.from(blocks, ([, html]) => ({ name, html }));
  });

test('docs/ shows at least one page', () => assert(pages.length > 0));

for (const { name, html } of pages) {
  test(`the page in ${name} learns, draws its charts and says nothing on the console`, async () => {
    const page = await openPage(browser);
    const said: string[] = [];
    page.on('console', (message) => {
      // tfjs-vis brings a copy of tfjs-core, which warns of the other.
      if (!message.text().startsWith('Platform browser has already been set')) {
        said.push(`${message.type()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => said.push(String(error)));
    await page.route('**/*', (route) => {
      const url = route.request().url();
      if (url === PAGE) return route.fulfill({ contentType: 'text/html', body: html });
      const body = url.startsWith(CDN) && files.get(url.slice(CDN.length));
      return body
        ? route.fulfill({ contentType: 'text/javascript', body })
        : route.fulfill({ status: 404 });
    });
    await page.goto(PAGE);
    const done = 'after 10 epochs';
    await page
      .waitForFunction((text) => document.title.includes(text), done)
      .catch(() => assert.fail(`it did not get there; the console says:  ${said.join('\n')}`));
    const accuracy = Number(/accuracy (\S+)/.exec(await page.title())?.[1]);
    assert(accuracy > 0.9, `accuracy ${accuracy}`);
    assert.equal(await page.locator('.tf-surface').count(), 2, 'charts');
    await page.locator('.tf-surface canvas').nth(1).waitFor();
    assert.deepEqual(said, []);
    await page.close();
  });
}
