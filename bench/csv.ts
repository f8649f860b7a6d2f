/** Results are rows of CSV files in results/. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { csvLine, parseCsv } from '../display/csv';

/** One result: column names and values, the same columns in every row of a file. */
export type Row = Readonly<Record<string, string | number>>;

/** Appends rows to a file, such as `results/wasm_kernels.csv`; a new one gets its header. */
export function appendCsv(path: string, rows: readonly Row[]): void {
  if (rows.length === 0) return;
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, csvLine(Object.keys(rows[0])));
  }
  appendFileSync(path, rows.map((row) => csvLine(Object.values(row))).join(''));
}

/** Puts rows in the place of those that agree in the `keys`, and new ones at the end; whole or not at all. */
export function replaceCsv(path: string, keys: readonly string[], rows: readonly Row[]): void {
  if (rows.length === 0) return;
  const keyOf = (row: Row) => JSON.stringify(keys.map((key) => String(row[key])));
  const before: Row[] = existsSync(path) ? parseCsv(readFileSync(path, 'utf8')) : [];
  const all = new Map([...before, ...rows].map((row) => [keyOf(row), row]));
  mkdirSync(dirname(path), { recursive: true });
  const columns = Object.keys(rows[0]);
  const lines = [...all.values()].map((row) => csvLine(columns.map((column) => row[column])));
  writeFileSync(`${path}.partial`, csvLine(columns) + lines.join(''));
  renameSync(`${path}.partial`, path);
}
