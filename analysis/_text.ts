/** Text columns, each as wide as its widest cell. */

type Side = 'left' | 'right';

/** Lines from rows of cells; `sides` gives the side to which each column is aligned. */
export function aligned(rows: readonly string[][], sides: readonly Side[]): string[] {
  const widths = sides.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (sides[i] === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
