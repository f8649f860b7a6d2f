/**
 * Dispatches, bytes and peak memory of neurons and of a training step on webgpu and webgl, in headless Chromium: with
 * this library's kernels, and composed of tfjs's own. Counts, not times: the same on every GPU.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launchChromium, openPage } from '../scripts/browser/chromium.mjs';
import { serve } from '../scripts/browser/serve.mjs';
import type { Counted } from './_gpu_page';

const root = fileURLToPath(new URL('..', import.meta.url));

async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: [join(root, 'bench/_gpu_page.ts')],
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'iife',
    logLevel: 'error',
    ignoreAnnotations: true,
    define: { global: 'globalThis' },
    alias: { 'tfjs-spikingformer': join(root, 'index.ts') },
  });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><script src="page.js"></script>');
}

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-dispatches-'));
  const browser = await launchChromium();
  try {
    await bundle(folder);
    const server = await serve(folder);
    for (const backend of ['webgpu', 'webgl']) {
      const columns: Counted[][] = [];
      for (const composed of [true, false]) {
        const page = await openPage(browser);
        await page.goto(`${server.address}/`);
        columns.push(
          await page.evaluate(
            ([name, plain]) =>
              (globalThis as unknown as { count(b: string, c: boolean): Promise<Counted[]> }).count(
                name as string,
                plain as boolean,
              ),
            [backend, composed] as const,
          ),
        );
        await page.close();
      }
      print(backend, columns[0]!, columns[1]!);
    }
    await server.close();
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(backend: string, composed: Counted[], ours: Counted[]): void {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(`${backend}: dispatches, bytes and peak memory, composed -> ours`);
  ours.forEach(({ what, dispatches, bytes, peak }, i) => {
    const before = composed[i]!;
    console.log(
      `  ${what}: ${before.dispatches} -> ${dispatches}, ${megabytes(before.bytes)} -> ${megabytes(bytes)}, ` +
        `${megabytes(before.peak)} -> ${megabytes(peak)}`,
    );
  });
}
