import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendCsv, replaceCsv } from '../../bench/csv';
import { temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();

test('rows get one header, and quotes where they need them', () => {
  const path = join(directory, 'results', 'x.csv');
  appendCsv(path, [{ name: 'a', ms: 1.5 }]);
  appendCsv(path, [{ name: 'b, "c"', ms: 2 }]);
  expect(readFileSync(path, 'utf8')).toBe('name,ms\na,1.5\n"b, ""c""",2\n');
});

test('rows take the place of those with the same keys; the others stay where they are', () => {
  const path = join(directory, 'replaced', 'x.csv');
  replaceCsv(
    path,
    ['case', 'ours'],
    [
      { case: 'lif', ours: 'wasm', ms: 1 },
      { case: 'lif', ours: 'cpu', ms: 2 },
    ],
  );
  replaceCsv(
    path,
    ['case', 'ours'],
    [
      { case: 'block', ours: 'wasm', ms: 3 },
      { case: 'lif', ours: 'wasm', ms: 4 },
    ],
  );
  expect(readFileSync(path, 'utf8')).toBe('case,ours,ms\nlif,wasm,4\nlif,cpu,2\nblock,wasm,3\n');
  expect(readdirSync(join(directory, 'replaced'))).toEqual(['x.csv']);
});
