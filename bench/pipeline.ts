/**
 * Images to batches with the recipes' augmentation, normalized and erased, and the memory that an epoch
 * holds: `npm run bench -- pipeline [--workers 0,1,2] [--imagenet FOLDER]`. CIFAR-10's epoch is one of 50,000
 * generated images; FOLDER has class folders of JPEGs.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { appendCsv } from './csv';

export function run(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      workers: { type: 'string', default: '0,1,2' },
      imagenet: { type: 'string' },
    },
  });
  const script = fileURLToPath(new URL('./_data_epoch.ts', import.meta.url));
  for (const what of ['CIFAR', ...(values.imagenet ? [values.imagenet] : [])]) {
    const title =
      what === 'CIFAR'
        ? '32 x 32, crop, flip, rand-m9-n1-mstd0.4-inc1, erasing'
        : 'JPEGs to 224 x 224, crop, flip, rand-m9-mstd0.5-inc1, erasing';
    console.log(title);
    for (const workers of values.workers.split(',')) {
      const child = spawnSync(process.execPath, ['--import', 'tsx', script, what, workers], {
        encoding: 'utf8',
      });
      if (child.status !== 0)
        throw new Error(child.stderr || `the epoch ended with ${child.status}`);
      const { images, rate, peak } = JSON.parse(child.stdout);
      const name = workers === '0' ? 'in this thread' : `${workers} workers`;
      console.log(
        `  ${name.padEnd(16)}${rate.toFixed(0).padStart(6)} images/s, ${peak.toFixed(0)} MB at most`,
      );
      appendCsv('results/pipeline.csv', [
        {
          date: new Date().toISOString().slice(0, 10),
          what: title,
          name,
          images,
          images_per_s: rate.toFixed(1),
          peak_mb: peak.toFixed(0),
          command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
        },
      ]);
    }
  }
}
