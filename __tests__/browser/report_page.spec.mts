/** A run's report on a phone and on a desk, in the light and in the dark. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { reportHtml } from 'tfjs-spikingformer/training';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';

const CLASSES = Array.from({ length: 12 }, (_, i) => `a class with a long name, ${i}`);
const picture = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';

const html = reportHtml({
  title: `a-recipe-with-a-name-that-goes-on-${'and-on-'.repeat(12)}: 96.80 % after 4 epochs`,
  facts: { recipe: 'A description of some length. '.repeat(9), folder: '/a'.repeat(90) },
  history: [0, 1, 2, 3].map((epoch) => ({
    ...{ epoch, epochs: 4, step: 10 * epoch, learningRate: 1e-3, trainLoss: 1 / (1 + epoch) },
    ...{ trainAccuracy: 0.5, testLoss: 0.5, testAccuracy: 0.5, testTop5: 1, averageAccuracy: 0.5 },
    firingRates: { 'block1/a_layer_within/a_layer_with_a_long_name/lif': 1 },
    ...{ dead: ['block1/attn/attn_lif'], saturated: [], seconds: 100, samplesPerSecond: 100 },
  })),
  classNames: CLASSES,
  evaluation: {
    ...{ samples: 144_000, loss: 1, accuracy: 0.5, top5: 1 },
    confusion: CLASSES.map(() => CLASSES.map(() => 1000)),
  },
  samples: CLASSES.map((label) => ({ picture, label, prediction: CLASSES[0]!, probability: 0.5 })),
  recipe: `description: ${'words '.repeat(60)}`,
});

/** Of 'rgb(r, g, b)', 0 to 255. */
function brightness(color: string): number {
  const [r, g, b] = (color.match(/\d+/g) ?? []).map(Number);
  return (r! + g! + b!) / 3;
}

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser?.close());

for (const width of [390, 1280]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${width} pixels wide, ${colorScheme}: no scrolling sideways, text that can be read`, async () => {
      const page = await openPage(browser, { viewport: { width, height: 844 }, colorScheme });
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      await page.setContent(html);
      const seen = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        return {
          wide: document.documentElement.scrollWidth,
          ink: color,
          paper: backgroundColor,
          chartInk: getComputedStyle(document.querySelector('svg text')!).fill,
          chartPaper: getComputedStyle(document.querySelector('svg rect')!).fill,
        };
      });
      assert(seen.wide <= width, `the page is ${seen.wide} wide`);
      const dark = colorScheme === 'dark';
      for (const [paper, ink] of [
        [seen.paper, seen.ink],
        [seen.chartPaper, seen.chartInk],
      ] as const) {
        const contrast = brightness(paper) - brightness(ink);
        assert((dark ? -contrast : contrast) > 150, JSON.stringify(seen));
      }
      assert.deepEqual(said, []);
      await page.close();
    });
  }
}
