/**
 * Timing that can be trusted on a busy machine: the candidates take turns, round after round, so
 * that a slow moment hits all of them, and the median speaks.
 */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is timed: one call, which returns when its work is done. */
export type Candidate = () => unknown | Promise<unknown>;

export interface Timing {
  name: string;
  /** Milliseconds a call. */
  median: number;
  min: number;
  max: number;
  /** median / median of the first candidate: below 1 is faster. */
  ratio: number;
}

export interface MeasureOptions {
  /** Timed calls of each candidate. Default 15. */
  rounds?: number;
  /** Calls of each before the clock counts. Default 2. */
  warmup?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Times all candidates, interleaved; the first is what the others are compared with. */
export async function measure(
  candidates: Readonly<Record<string, Candidate>>,
  { rounds = 15, warmup = 2 }: MeasureOptions = {},
): Promise<Timing[]> {
  const entries = Object.entries(candidates);
  const times = new Map<string, number[]>(entries.map(([name]) => [name, []]));
  for (let round = -warmup; round < rounds; round++) {
    for (const [name, candidate] of entries) {
      const start = performance.now();
      await candidate();
      if (round >= 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const timings = [...times].map(([name, all]) => ({
    name,
    median: median(all),
    min: Math.min(...all),
    max: Math.max(...all),
  }));
  return timings.map((timing) => ({ ...timing, ratio: timing.median / timings[0].median }));
}

/** Prints timings as a table, in milliseconds. */
export function printTimings(title: string, timings: readonly Timing[]): void {
  const width = Math.max(9, ...timings.map(({ name }) => name.length));
  const row = (name: string, cells: string[]) =>
    console.log(`  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(11)).join('')}`);
  console.log(title);
  row('', ['median ms', 'min', 'max', 'ratio']);
  for (const { name, median, min, max, ratio } of timings) {
    row(name, [...[median, min, max].map((ms) => ms.toFixed(2)), ratio.toFixed(2)]);
  }
}

/** One result: column names and values, the same columns in every row of a file. */
export type Row = Readonly<Record<string, string | number>>;

/** Appends rows to a CSV file, such as `results/wasm_kernels.csv`; a new file gets its header. */
export function appendCsv(path: string, rows: readonly Row[]): void {
  if (rows.length === 0) return;
  const quote = (value: string | number) =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const lines = (values: readonly (readonly (string | number)[])[]) =>
    values.map((row) => `${row.map(quote).join(',')}\n`).join('');
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, lines([Object.keys(rows[0])]));
  }
  appendFileSync(path, lines(rows.map((row) => Object.values(row))));
}

/** Timings as rows of results/, with the date and the command that made them. */
export function timingRows(title: string, timings: readonly Timing[]): Row[] {
  return timings.map(({ name, median, min, max, ratio }) => ({
    date: new Date().toISOString().slice(0, 10),
    what: title,
    name,
    median_ms: median.toFixed(3),
    min_ms: min.toFixed(3),
    max_ms: max.toFixed(3),
    ratio: ratio.toFixed(3),
    command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
  }));
}
