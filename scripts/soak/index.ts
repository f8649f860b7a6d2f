/**
 * Long runs that look for what short tests miss. `npm run soak -- kills [COUNT]`: training runs killed
 * at random moments. `npm run soak -- readers [COUNT]`: as many mutated files at every reader of data.
 * `npm run soak -- checkpoints [COUNT]`: as many mutated PyTorch checkpoints.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mutateCheckpoints } from './checkpoints';
import { killRuns } from './kills';
import { soakReaders } from './readers';

const [what = '', count = what === 'kills' ? '50' : '1000000'] = process.argv.slice(2);

async function kills(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-soak-'));
  const seed = Date.now() % 2 ** 32;
  console.log(`seed ${seed}`);
  try {
    const result = await killRuns({ kills: Number(count), seed, folder, log: console.log });
    console.log(
      `${result.kills} kills, ${result.duringSave} of them within a save, in ${result.runs} runs: all ended alike`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (what === 'kills' && /^[1-9]\d*$/.test(count)) {
  kills().catch((error: Error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
} else if (what === 'readers' && /^[1-9]\d*$/.test(count)) {
  const seed = Date.now() % 2 ** 32;
  console.log(`seed ${seed}`);
  const found = soakReaders(Number(count), seed);
  for (const each of found) console.error(each);
  if (found.length > 0) process.exitCode = 1;
} else if (what === 'checkpoints' && /^[1-9]\d*$/.test(count)) {
  const seed = Date.now() % 2 ** 32;
  console.log(`seed ${seed}`);
  console.log(mutateCheckpoints({ count: Number(count), seed }));
} else {
  console.error('usage: npm run soak -- kills [COUNT] | readers [COUNT] | checkpoints [COUNT]');
  process.exitCode = 2;
}
