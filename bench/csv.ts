/** Results are rows of CSV files (RFC 4180) in results/. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** One result: column names and values, the same columns in every row of a file. */
export type Row = Readonly<Record<string, string | number>>;

const quote = (value: string | number) =>
  /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);

const line = (values: readonly (string | number)[]) => `${values.map(quote).join(',')}\n`;

/** Appends rows to a file, such as `results/wasm_kernels.csv`; a new one gets its header. */
export function appendCsv(path: string, rows: readonly Row[]): void {
  if (rows.length === 0) return;
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, line(Object.keys(rows[0])));
  }
  appendFileSync(path, rows.map((row) => line(Object.values(row))).join(''));
}

/** The rows of a text that `appendCsv` or `replaceCsv` wrote. */
export function parseCsv(text: string): Record<string, string>[] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === ',') continue;
    if (record.length > 1 || record[0] !== '') records.push(record);
    record = [];
  }
  const [header = [], ...rest] = records;
  return rest.map((values) => Object.fromEntries(header.map((name, i) => [name, values[i] ?? ''])));
}

/** Puts rows in the place of those that agree in the `keys`, and new ones at the end; whole or not at all. */
export function replaceCsv(path: string, keys: readonly string[], rows: readonly Row[]): void {
  if (rows.length === 0) return;
  const keyOf = (row: Row) => JSON.stringify(keys.map((key) => String(row[key])));
  const before: Row[] = existsSync(path) ? parseCsv(readFileSync(path, 'utf8')) : [];
  const all = new Map([...before, ...rows].map((row) => [keyOf(row), row]));
  mkdirSync(dirname(path), { recursive: true });
  const columns = Object.keys(rows[0]);
  const lines = [...all.values()].map((row) => line(columns.map((column) => row[column])));
  writeFileSync(`${path}.partial`, line(columns) + lines.join(''));
  renameSync(`${path}.partial`, path);
}
