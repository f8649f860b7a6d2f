/** CONTRIBUTING.md and README.md: the commands that they name exist, and the patterns match tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/process';

const text = ['CONTRIBUTING.md', 'README.md'].map((file) => readFileSync(join(root, file), 'utf8'));
const found = (pattern: RegExp) => [
  ...new Set([...text.join('\n').matchAll(pattern)].map((match) => match[1]!)),
];
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test.each(found(/\bnpm run ([\w:]+)/g))('npm run %s', (name) => {
  expect(Object.keys(scripts)).toContain(name);
});

test.each(found(/\bnpm test -- ([\w/]+)/g))('npm test -- %s', (pattern) => {
  const tests = readdirSync(join(root, '__tests__'), { recursive: true, encoding: 'utf8' });
  expect(tests.filter((path) => path.endsWith('.test.ts') && path.includes(pattern))).not.toEqual(
    [],
  );
});

test.each(found(/\b((?:scripts|__tests__|lib|layers|models)\/[\w/.]*\w\.\w+)/g))('%s', (path) => {
  if (!/my_\w+/.test(path)) expect(existsSync(join(root, path))).toBe(true);
});
