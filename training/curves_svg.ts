/** Curves over epochs as a picture: what reports and comparisons show. */
import { escapeXml, svgDocument, text } from '../analysis/svg';

export interface Curve {
  name: string;
  /** `[epoch, y]`, in the order of epochs; these are counted from 0, as in logs, and shown from 1. */
  points: readonly (readonly [number, number])[];
  /** Dashed, for what others have published. */
  dashed?: boolean;
}

const WIDTH = 440;
const HEIGHT = 250;
const LEFT = 46;
const RIGHT = 14;
const TOP = 48;
const BOTTOM = 40;
const COLOURS = ['#0c6e84', '#c2571a', '#5b4a9e', '#3f7d3a', '#9a2f4b', '#6b6b6b'];

/** An SVG document with axes, ticks and a legend. */
export function curvesSvg(title: string, curves: readonly Curve[]): string {
  const shown = curves.map((curve) => ({
    ...curve,
    points: curve.points
      .map(([epoch, y]) => [epoch + 1, y] as const)
      .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
  }));
  const points = shown.flatMap((curve) => curve.points);
  const [x0, x1] = extent(points.map(([x]) => x));
  const [y0, y1] = extent(points.map(([, y]) => y));
  const left = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const top = (y: number) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM);
  const parts = [text(LEFT, 18, title, 'font-size="13" font-weight="bold"')];
  for (const y of ticks(y0, y1)) {
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(top(y))}" y2="${round(top(y))}" stroke="#e3e6ea"/>`,
      text(LEFT - 6, top(y) + 4, label(y), 'text-anchor="end" fill="#555"'),
    );
  }
  for (const x of ticks(x0, x1, 1)) {
    parts.push(text(left(x), HEIGHT - BOTTOM + 16, label(x), 'text-anchor="middle" fill="#555"'));
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  parts.push(text(middle, HEIGHT - 8, 'epoch', 'text-anchor="middle" fill="#555"'));
  let legend = LEFT;
  shown.forEach(({ name, points, dashed }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = points.map(([x, y]) => `${round(left(x))},${round(top(y))}`).join(' ');
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="1.8"${dash} points="${path}"/>`,
      ...(points.length <= 40
        ? points.map(([x, y]) => dot(left(x), top(y), colour, `${name}, ${x}: ${label(y)}`))
        : []),
      text(legend, 35, name, `fill="${colour}"`),
    );
    legend += 7 * name.length + 14;
  });
  return svgDocument(WIDTH, HEIGHT, title, parts);
}

function dot(x: number, y: number, colour: string, hint: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="2.5" fill="${colour}"><title>${escapeXml(hint)}</title></circle>`;
}

const round = (value: number) => Number(value.toFixed(1));
const label = (value: number) => String(Number(value.toPrecision(4)));

/** Least and greatest, never equal. */
function extent(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Round numbers from `low` to `high`, about five of them, at least `least` apart. */
function ticks(low: number, high: number, least = 0): number[] {
  const raw = Math.max((high - low) / 5, least);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw)!;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}
