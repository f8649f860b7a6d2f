/** A file is one idea: no source has more than 300 lines. What a program writes, such as wasm's module, has fewer too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../support/process';

const MOST_LINES = 300;
const SOURCE = /\.(?:[cm]?[jt]s|css|html|py|sh|cc|cu|cuh|h)$/;
/** Folders of the root that .gitignore names. */
const LEFT_OUT = ['node_modules', 'dist', 'coverage', 'runs', 'site'].map((name) =>
  join(root, name),
);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || LEFT_OUT.includes(path)) return [];
    if (entry.isDirectory()) return sources(path);
    return entry.isFile() && SOURCE.test(entry.name) ? [path] : [];
  });
}

test('no source has more than 300 lines', () => {
  const files = sources(root);
  expect(files.length).toBeGreaterThan(500);
  const long = files
    .map((file) => ({ file, lines: readFileSync(file, 'utf8').trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ file, lines }) => `${relative(root, file)}: ${lines} lines`);
  expect(long).toEqual([]);
});
