/** Chart axes: where a number lies between the ends, and which round numbers label the axis. */

export interface Axis {
  /** In ascending order, all between the ends. */
  ticks: readonly number[];
  /** The position of a number: 0 at the lower end, 1 at the upper. */
  place(value: number): number;
}

/** A tick's number in readable form: 0.5, 20, 3000. */
export const tickLabel = (value: number) => String(Number(value.toPrecision(4)));

export interface LinearOptions {
  /** Ticks are whole numbers. */
  whole?: boolean;
  /** Whether the ends are ticks, rather than the smallest and largest value. */
  roundEnds?: boolean;
}

/**
 * A linear axis with at most eight ticks between its ends. NaN and Infinity have no position. Without values it runs
 * from 0 to 1.
 */
export function linearAxis(values: readonly number[], options: LinearOptions = {}): Axis {
  const [low, high] = extent(values);
  const step = stepOf((high - low) / 7, options.whole ? 1 : 0);
  const near = 1e-9; // of a step, which division may miss
  const [first, last] = options.roundEnds
    ? [Math.floor(low / step + near), Math.ceil(high / step - near)]
    : [Math.ceil(low / step - near), Math.floor(high / step + near)];
  const [from, to] = options.roundEnds ? [first * step, last * step] : [low, high];
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    place: (value) => (value - from) / (to - from),
  };
}

/** The smallest and largest finite value, never equal. */
function extent(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low > high) return [0, 1];
  if (low < high) return [low, high];
  const half = Math.abs(low) / 2 || 0.5;
  return [low - half, high + half];
}

/** The smallest of 1, 2, 5 times powers of ten that is at least `least` and `raw`. */
function stepOf(raw: number, least: number): number {
  const wanted = Math.max(raw, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= wanted * (1 - 1e-9))!;
}

/** Numbered categories, such as a network's stages, evenly spaced. */
export function categoryAxis(values: readonly number[]): Axis {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  const [low, high] = [ticks[0]! - 0.5, ticks.at(-1)! + 0.5];
  return { ticks, place: (value) => (value - low) / (high - low) };
}

/**
 * A logarithmic axis. Its ends are ticks, which are 1, 2 and 5 times powers of ten, or the values themselves.
 *
 * @throws if a value is not positive and finite, or if there is none
 */
export function logAxis(values: readonly number[], { valuesAsTicks = false } = {}): Axis {
  const wrong = values.find((value) => !(value > 0 && Number.isFinite(value)));
  if (values.length === 0 || wrong !== undefined) {
    throw new Error(
      `values of a logarithmic axis must be positive numbers, but got ${wrong ?? 'an empty list'}`,
    );
  }
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const ticks = valuesAsTicks ? [...new Set(values)].sort((a, b) => a - b) : logTicks(low, high);
  const [from, to] = [ticks[0]!, ticks.at(-1)!];
  return {
    ticks,
    place: (value) => (from === to ? 0.5 : Math.log(value / from) / Math.log(to / from)),
  };
}

/** 1, 2 and 5 times powers of ten, from the last one below `low` to the first one above `high`. */
function logTicks(low: number, high: number): number[] {
  const all: number[] = [];
  // One power more below: a logarithm may be rounded up to the next.
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${power}`));
  }
  const first = all.filter((tick) => tick <= low).length - 1;
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(first, Math.max(last, first + 1) + 1);
}
