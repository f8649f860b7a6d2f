/** Horizontal bars, a pair per row, with optional shares as cells of a heat map. */
import { type Html, html } from './html';
import { legend } from './legend';
import { round, svgDocument, text, textWidth } from './svg';

export interface BarRow {
  label: string;
  /** Shares from 0 to 1. Opacity is their square root, so that small ones differ visibly. */
  cells?: readonly { share: number; hint: string }[];
  /** The value and its reference, not negative. */
  bars: readonly [number, number];
  /** Text after the bars. */
  note: string;
}

export interface BarChart {
  title: string;
  subtitle: string;
  /** Names of the value and of its reference. */
  series: readonly [string, string];
  /** Title above the cells; leave it out if there are none. */
  cellsTitle?: string;
  rows: readonly BarRow[];
  /** Lines of text below the chart. */
  notes: readonly string[];
}

const LEFT = 12;
const TOP = 72;
const ROW = 17;
const BARS = 300;

/** An SVG document, as wide and high as the rows need. */
export function barChart({ title, subtitle, series, cellsTitle, rows, notes }: BarChart): Html {
  const labels = LEFT + Math.max(...rows.map(({ label }) => textWidth(label)), 100) + 8;
  const steps = Math.max(1, ...rows.map(({ cells = [] }) => cells.length));
  const cell = Math.max(4, Math.min(18, 160 / steps));
  const cells = cellsTitle === undefined ? 0 : Math.max(steps * cell, textWidth(cellsTitle)) + 24;
  const left = labels + cells;
  const largest = Math.max(...rows.flatMap(({ bars }) => bars), 1e-9);
  const length = (value: number) => round((BARS * value) / largest);
  const swatches = series.map((name, i) => ({
    name,
    swatch: (x: number, y: number) =>
      html`<rect class="${barClass(i)}" x="${x}" y="${y - 4}" width="14" height="8"/>`,
  }));
  const parts: Html[] = [
    text(LEFT, 22, title, { bold: true, size: 15 }),
    text(LEFT, 41, subtitle),
    ...legend(swatches, { left, right: Infinity, top: TOP - 20 }).parts,
  ];
  if (cellsTitle !== undefined) parts.push(text(labels, TOP - 8, cellsTitle));
  let right = left + BARS;
  rows.forEach((row, i) => {
    const y = TOP + i * ROW;
    parts.push(text(labels - 8, y + 12, row.label, { anchor: 'end' }));
    row.cells?.forEach(({ share, hint }, step) => {
      const opacity = round(0.06 + 0.94 * Math.sqrt(Math.min(1, Math.max(0, share))));
      parts.push(
        html`<rect class="fill0" x="${round(labels + step * cell)}" y="${y + 1}" width="${round(cell - 1)}" height="${ROW - 2}" fill-opacity="${opacity}"><title>${hint}</title></rect>`,
      );
    });
    row.bars.forEach((value, k) => {
      parts.push(
        html`<rect class="${barClass(k)}" x="${round(left)}" y="${y + 2 + 7 * k}" width="${length(value)}" height="${6 - k}"/>`,
      );
    });
    const behind = left + Math.max(...row.bars.map(length)) + 6;
    parts.push(text(behind, y + 12, row.note, { soft: true, size: 10 }));
    right = Math.max(right, behind + textWidth(row.note, 10));
  });
  const below = TOP + rows.length * ROW + 22;
  notes.forEach((note, i) => {
    parts.push(text(LEFT, below + i * 15, note, { soft: true, size: 11 }));
    right = Math.max(right, LEFT + textWidth(note, 11));
  });
  const height = below + notes.length * 15;
  return svgDocument(Math.ceil(right + LEFT), height, title, parts);
}

const barClass = (i: number) => (i === 0 ? 'fill0' : 'ghost');
