/** Trained models by name, wherever a command takes a model. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { mnist } from '../../node';
import { write } from '../node/datasets/recordings';
import '../support/backends';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const cli = (...args: string[]) => runFile('cli/index.ts', args, {}, directory);
const wasm = ['--backend', 'wasm'];

/** The first digits of MNIST's test images, as pictures `odd/N.png` and `even/N.png`. */
const labels: number[] = [];
beforeAll(async () => {
  const digits = await mnist({ split: 'test' });
  for (let i = 0; i < 16; i++) {
    const { data, label } = await digits.read(i);
    const raw = { width: 28, height: 28, channels: 1 } as const;
    const png = await sharp(Buffer.from(data), { raw }).png().toBuffer();
    write(directory, `mine/${label % 2 ? 'odd' : 'even'}/${i}.png`, png);
    labels.push(label);
  }
});

test('predict digits: pictures, without any data set', () => {
  const kind = labels[0]! % 2 ? 'odd' : 'even';
  const { status, stdout } = cli('predict', 'digits', `mine/${kind}/0.png`, ...wasm);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringMatching(
      new RegExp(`^mine/${kind}/0\\.png {2}${labels[0]} \\d+\\.\\d %$`, 'm'),
    ),
  });
});

test('evaluate digits: held-out samples of what it was trained on', () => {
  const { stdout } = cli('evaluate', 'digits', '--samples', '100', '--json', ...wasm);
  const { samples, accuracy } = JSON.parse(stdout);
  expect(samples).toBe(100);
  expect(accuracy).toBeGreaterThan(0.96);
});

test('energy digits, and recordings, whose samples are in no files', () => {
  const { stdout } = cli('energy', 'digits', '--samples', '4', ...wasm);
  expect(stdout).toMatch(/4 held-out samples of the run's mnist/);
  const { status, stderr } = cli('energy', 'recordings', ...wasm);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'error: data of your own: --data names their folder\n',
  });
});

test('train --from digits: its body, and a head for other classes', () => {
  const { status, stdout } = cli(
    ...[
      'train',
      '--data',
      'mine',
      '--from',
      'digits',
      '--out',
      'run',
      '--epochs',
      '1',
      '--size',
      '28',
    ],
    ...['--set', 'data.channels=1', '--set', 'batchSize=4', '--set', 'effectiveBatch=4', ...wasm],
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/^from digits: \d+ of \d+ weights, of tokenizer, block1; head is new$/m);
});

test('a path of that name comes first; a misspelled name gets a suggestion', () => {
  mkdirSync(join(directory, 'recordings'));
  const there = cli('summary', 'recordings');
  expect(there.stderr).toMatch(/model must be a run's folder.*, but got 'recordings'/);
  const wrong = cli('summary', 'digit');
  expect(wrong.stderr).toMatch(/but got 'digit' \(Did you mean digits\?\)$/m);
  expect(wrong.status).toBe(2);
});
