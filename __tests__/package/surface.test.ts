/**
 * The public names are a contract: what the entries export, and what model files and checkpoints
 * name, is held in surface/*.txt. `npm run surface -- --accept` takes additions in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { root } from '../support/process';
import { declarations } from './surface/_declarations';
import { difference, type Lines, readLines, withAdditions, writeLines } from './surface/_lines';
import { models } from './surface/_models';

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');

/** What `npm run surface` takes into the files: 'additions' or 'all'. */
const accept = process.env.SPIKINGFORMER_SURFACE;

/** What is not as its file holds it, for people. */
function report(name: string, now: Lines): string[] {
  const file = join(__dirname, 'surface', `${name}.txt`);
  if (accept) writeLines(file, accept === 'all' ? now : withAdditions(readLines(file), now));
  const { added, removed, changed } = difference(readLines(file), now);
  const part = (title: string, rows: string[]) =>
    rows.length > 0 ? [`${name}.txt, ${title}:`, ...rows.map((row) => `  ${row}`)] : [];
  return [
    ...part('gone, which breaks the code and files of users', removed),
    ...part('changed, which may break them', changed),
    ...part('new: `npm run surface -- --accept` takes it in', added),
  ];
}

function expectHeld(files: Map<string, Lines>): void {
  const rows = [...files].flatMap(([name, lines]) => report(name, lines));
  if (rows.length > 0) throw new Error(rows.join('\n'));
}

test('what the entries declare', () => {
  expectHeld(declarations(root, entries));
});

test("class names, config keys, presets, paths of weights and spikes, the authors' keys", async () => {
  await tf.setBackend('cpu');
  expectHeld(models());
});

describe('how two snapshots differ', () => {
  const held = new Map([
    ['a', 'number'],
    ['b', 'string'],
    ['c', ''],
  ]);
  const now = new Map([
    ['a', 'string'],
    ['c', ''],
    ['d', 'number'],
  ]);

  test('by what is new, gone and changed', () => {
    expect(difference(held, now)).toEqual({
      added: ['d: number'],
      removed: ['b: string'],
      changed: ['a\n    was number\n    is  string'],
    });
    expect(difference(held, held)).toEqual({ added: [], removed: [], changed: [] });
  });

  test('additions alone leave what was held', () => {
    expect([...withAdditions(held, now)].sort()).toEqual([...held, ['d', 'number']]);
  });
});
