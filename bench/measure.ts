/**
 * Timing that can be trusted on a busy machine: the candidates take turns, round after round, so
 * that a slow moment hits all of them, and the median speaks.
 */
import type { Row } from './csv';

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
  return quantile(values, 0.5);
}

/** The value below which that part of the values lies, between the two nearest. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export interface TurnOptions extends MeasureOptions {
  /** Who has had three timed turns and this many milliseconds of turns sits out the rest. Default: nobody. */
  patience?: number;
}

/** Lets each do its turn, round after round; a turn returns its milliseconds. What each turn took, without warm-up. */
export async function takeTurns(
  turns: Readonly<Record<string, () => number | Promise<number>>>,
  { rounds = 15, warmup = 2, patience = Number.POSITIVE_INFINITY }: TurnOptions = {},
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(Object.keys(turns).map((name) => [name, []]));
  const spent = new Map<string, number>();
  for (let round = -warmup; round < rounds; round++) {
    for (const [name, turn] of Object.entries(turns)) {
      const own = times.get(name)!;
      if (own.length >= 3 && spent.get(name)! > patience) continue;
      const start = performance.now();
      const ms = await turn();
      if (round < 0) continue;
      own.push(ms);
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - start);
    }
  }
  return times;
}

/** Times all candidates, interleaved; the first is what the others are compared with. */
export async function measure(
  candidates: Readonly<Record<string, Candidate>>,
  options: MeasureOptions = {},
): Promise<Timing[]> {
  const timed = (candidate: Candidate) => async () => {
    const start = performance.now();
    await candidate();
    return performance.now() - start;
  };
  const turns = Object.entries(candidates).map(([name, candidate]) => [name, timed(candidate)]);
  const times = await takeTurns(Object.fromEntries(turns), options);
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
