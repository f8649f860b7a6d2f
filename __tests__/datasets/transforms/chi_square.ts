/** Whether counts follow chances. */

/** Sum of (count - expected)^2 / expected. Counts of what cannot happen must be 0. */
export function chiSquare(counts: readonly number[], chances: readonly number[]): number {
  const all = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => {
    const expected = all * chances[i];
    if (expected === 0) return count === 0 ? sum : Number.POSITIVE_INFINITY;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** What chi square stays below but for one time in 1000, by Wilson and Hilferty's approximation. */
export function chiSquareLimit(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 3.09 * Math.sqrt(part)) ** 3;
}

export function expectLaw(counts: readonly number[], chances: readonly number[]): void {
  const degrees = chances.filter((chance) => chance > 0).length - 1;
  expect(chiSquare(counts, chances)).toBeLessThan(chiSquareLimit(degrees));
}

/** How many of the values fall into each of `bins` equal parts of `low <= x <= high`. */
export function histogram(values: readonly number[], low: number, high: number, bins: number) {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (!(value >= low && value <= high)) throw new Error(`${value} is not in ${low}..${high}`);
    counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))]++;
  }
  return counts;
}
