/** recipes: the list, and one as it is written. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, runFile } from '../support/process';

const cli = (...args: string[]) => runFile('cli/index.ts', args);
const lines = (text: string) => text.trimEnd().split('\n');

test('recipes lists them, and prints one', () => {
  const list = lines(cli('recipes').stdout);
  expect(list.filter((line) => !line.startsWith(' '))).toHaveLength(
    readdirSync(join(root, 'recipes')).length,
  );
  expect(list.filter((line) => line.length > 80)).toEqual([]);
  expect(cli('recipes', 'cifar10-4-384').stdout).toContain('preset: spikingformer-4-384-cifar10');
});
