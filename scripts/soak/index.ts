/**
 * Long runs that look for what short tests miss; each that finds nothing is a row of results/soak.csv.
 *
 *   npm run soak -- kills [COUNT] [BACKEND]   training runs killed at random moments
 *   npm run soak -- readers [COUNT]           as many mutated files at every reader of data
 *   npm run soak -- checkpoints [COUNT]       as many mutated PyTorch checkpoints
 *   npm run soak -- native_install [COUNT]    Pythons and pips of all kinds, COUNT of them to the end; in a
 *                                             copy with tfjs-node: bash scripts/with_tensorflow.sh npm run ...
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendCsv } from '../../bench/csv';
import { mutateCheckpoints } from './checkpoints';
import { killRuns } from './kills';
import { installMatrix } from './native_install';
import { soakReaders } from './readers';

interface Soak {
  count: number;
  seed: number;
  backend: string;
}

/** In a folder of its own, which is removed. */
async function inFolder(run: (folder: string) => Promise<string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-soak-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const kills = ({ count, seed, backend }: Soak) =>
  inFolder(async (folder) => {
    const result = await killRuns({ kills: count, seed, folder, backend, log: console.log });
    return (
      `${result.kills} kills on ${backend}; ${result.duringSave} of them within a save; ` +
      `${result.runs} runs all ended alike`
    );
  });

const nativeInstall = ({ count }: Soak) =>
  inFolder((folder) => installMatrix({ full: count, folder, log: console.log }));

function readers({ count, seed }: Soak): string {
  const found = soakReaders(count, seed);
  if (found.length > 0) throw new Error(found.join('\n'));
  return `${count} mutations at every reader: read, or refused as it should be`;
}

function checkpoints({ count, seed }: Soak): string {
  const { read, refused, slowestMs } = mutateCheckpoints({ count, seed });
  const slowest = `${slowestMs.toFixed(0)} ms`;
  return `${count} mutated checkpoints: ${read} read; ${refused} refused; the slowest in ${slowest}`;
}

const soaks = {
  kills: { run: kills, count: 50 },
  readers: { run: readers, count: 1_000_000 },
  checkpoints: { run: checkpoints, count: 1_000_000 },
  native_install: { run: nativeInstall, count: 3 },
};

function record(seed: number, result: string, seconds: number): void {
  const date = new Date().toISOString().slice(0, 10);
  const command = `npm run soak -- ${process.argv.slice(2).join(' ')}`;
  const row = { date, result: result.replaceAll(',', ';'), seed, seconds, command };
  appendCsv('results/soak.csv', [row]);
}

async function main([name = '', count = '', backend = 'wasm', ...more]: string[]): Promise<void> {
  const soak = Object.hasOwn(soaks, name) ? soaks[name as keyof typeof soaks] : undefined;
  if (!soak || !/^([1-9]\d*)?$/.test(count) || more.length > 0) {
    console.error(
      `usage: npm run soak -- NAME [COUNT] [BACKEND], NAME one of ${Object.keys(soaks).join(', ')}`,
    );
    process.exitCode = 2;
    return;
  }
  const seed = Date.now() % 2 ** 32;
  console.log(`seed ${seed}`);
  const start = Date.now();
  try {
    const result = await soak.run({ count: Number(count) || soak.count, seed, backend });
    console.log(result);
    record(seed, result, Math.round((Date.now() - start) / 1000));
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
