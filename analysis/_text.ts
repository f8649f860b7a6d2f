/** Columns of text, as wide as their widest cell. */

type Side = 'left' | 'right';

/** Lines of rows of cells; `sides` says to which side each column goes. */
export function aligned(rows: readonly string[][], sides: readonly Side[]): string[] {
  const widths = sides.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (sides[i] === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
