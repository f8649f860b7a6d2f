import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendCsv, measure, median } from '../../bench/measure';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();

test('median of odd and even counts', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test('the candidates take turns; warm-up calls are not counted', async () => {
  const calls: string[] = [];
  const timings = await measure(
    { a: () => calls.push('a'), b: async () => calls.push('b') },
    { rounds: 2, warmup: 1 },
  );
  expect(calls.join('')).toBe('ababab');
  expect(timings.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(timings[0].ratio).toBe(1);
  for (const { min, median, max } of timings) {
    expect(min).toBeLessThanOrEqual(median);
    expect(median).toBeLessThanOrEqual(max);
  }
});

test('CSV rows get one header, and quotes where they need them', () => {
  const path = join(directory, 'results', 'x.csv');
  appendCsv(path, [{ name: 'a', ms: 1.5 }]);
  appendCsv(path, [{ name: 'b, "c"', ms: 2 }]);
  expect(readFileSync(path, 'utf8')).toBe('name,ms\na,1.5\n"b, ""c""",2\n');
});

test('npm run bench refuses a name that it does not know', () => {
  const { status, stderr } = runFile('bench/index.ts', ['no-such']);
  expect(stderr).toMatch(/NAME must be one of .*, but got 'no-such'/);
  expect(status).toBe(2);
});
