/** What every picture on the page is drawn with: a sharp canvas, the theme's colors, and text that fits. */

/** The custom properties of theme.css that pictures use. */
const NAMES = ['ink', 'soft', 'line', 'card', 'spike', 'cool', 'third'] as const;
export type Colors = Record<(typeof NAMES)[number], string>;

export function themeColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement('canvas').getContext('2d')!;
  const entries = NAMES.map((name) => {
    probe.fillStyle = style.getPropertyValue(`--${name}`).trim();
    return [name, probe.fillStyle];
  });
  return Object.fromEntries(entries) as Colors;
}

/** Calls back when the visitor's theme changes. */
export function onThemeChange(callback: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', callback);
}

/** A color of the form #rrggbb with that much of it left, 0 to 1. */
export const seenThrough = (color: string, share: number) =>
  `${color}${Math.round(255 * share)
    .toString(16)
    .padStart(2, '0')}`;

/** A place to draw, in CSS pixels. */
export interface Pen {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  colors: Colors;
}

export const FONT = '12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';

/** Sizes the canvas to its box, at the screen's own pixels, and clears it. */
export function penFor(canvas: HTMLCanvasElement, height: number): Pen {
  const width = canvas.clientWidth;
  const ratio = devicePixelRatio;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d')!;
  context.scale(ratio, ratio);
  const colors = themeColors();
  context.fillStyle = colors.card; // a picture that is saved has a ground
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = 'middle';
  return { context, width, height, colors };
}

/** Text, shortened at its beginning if it is wider than `room`: paths differ at their end. */
export function writeText(
  { context }: Pen,
  text: string,
  x: number,
  y: number,
  color: string,
  {
    align = 'left',
    room = Number.POSITIVE_INFINITY,
  }: { align?: CanvasTextAlign; room?: number } = {},
): void {
  let shown = text;
  for (let cut = 1; context.measureText(shown).width > room && cut < text.length; cut++) {
    shown = `…${text.slice(cut)}`;
  }
  context.fillStyle = color;
  context.textAlign = align;
  context.fillText(shown, x, y);
}

/** A grid of gray or colored cells that fills a square: `paint` gives each cell's color, or null for none. */
export function paintCells(
  { context }: Pen,
  [left, top, width, height]: readonly [number, number, number, number],
  [rows, columns]: readonly [number, number],
  paint: (cell: number) => string | null,
): void {
  for (let cell = 0; cell < rows * columns; cell++) {
    const color = paint(cell);
    if (!color) continue;
    const column = cell % columns;
    const row = (cell - column) / columns;
    // Edges on whole pixels, so that neighbors meet.
    const [x, right] = [column, column + 1].map((at) => Math.round(left + (at * width) / columns));
    const [y, bottom] = [row, row + 1].map((at) => Math.round(top + (at * height) / rows));
    context.fillStyle = color;
    context.fillRect(x!, y!, right! - x!, bottom! - y!);
  }
}
