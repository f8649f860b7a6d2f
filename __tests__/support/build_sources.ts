/**
 * Before the tests: bundles the command, the data worker and the quickstart, laid out as in dist/, since a process that tests
 * start would spend two of its three seconds on compiling the sources. The folder goes when jest ends.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { bundling } from './bundling';

const root = resolve(__dirname, '../..');

export default function buildSources(): void {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache/tests-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  buildSync({
    ...bundling,
    absWorkingDir: root,
    entryPoints: ['cli/index.ts', 'node/data_worker.ts', 'examples/quickstart.ts'],
    splitting: true,
    outbase: root,
    outdir: folder,
  });
  process.env.SPIKINGFORMER_TEST_BUILD = folder;
}
