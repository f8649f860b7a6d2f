/** A chart's legend: the color of each series, in rows as wide as the chart. */
import { type Html, html } from './html';
import { FONT_SIZE, round, text, textWidth } from './svg';

export interface LegendEntry {
  name: string;
  /** The symbol before the name, around `(x, y)`, 14 pixels wide. */
  swatch(x: number, y: number): Html;
}

const SWATCH = 20;
const GAP = 14;
const ROW = 1.5 * FONT_SIZE;

/** The entries from `(left, top)` on, in rows that end before `right`; `height` is their total height. */
export function legend(
  entries: readonly LegendEntry[],
  { left, right, top }: { left: number; right: number; top: number },
): { parts: Html[]; height: number } {
  let [x, row] = [left, 0];
  const parts = entries.map(({ name, swatch }) => {
    const width = SWATCH + textWidth(name);
    if (x > left && x + width > right) [x, row] = [left, row + 1];
    const y = top + row * ROW + FONT_SIZE;
    const entry = html`${swatch(round(x), round(y - 4))}${text(x + SWATCH, y, name)}`;
    x += width + GAP;
    return entry;
  });
  return { parts, height: entries.length === 0 ? 0 : (row + 1) * ROW };
}
