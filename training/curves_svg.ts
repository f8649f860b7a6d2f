/** Curves over epochs, whole numbers, as a picture: what reports and comparisons show. */
import { escapeXml, svgDocument, text } from '../analysis/svg';

export interface Curve {
  name: string;
  /** `[x, y]`, in the order of x. */
  points: readonly (readonly [number, number])[];
  /** Dashed, for what others have published. */
  dashed?: boolean;
}

const WIDTH = 560;
const HEIGHT = 280;
const LEFT = 52;
const RIGHT = 16;
const TOP = 34;
const BOTTOM = 42;
const COLOURS = ['#0c6e84', '#c2571a', '#5b4a9e', '#3f7d3a', '#9a2f4b', '#6b6b6b'];

/** An SVG document with axes, ticks and a legend. */
export function curvesSvg(title: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points).filter(([x, y]) => isFinite2(x, y));
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
  parts.push(
    text(
      (LEFT + WIDTH - RIGHT) / 2,
      HEIGHT - 8,
      'epoch, from 0',
      'text-anchor="middle" fill="#555"',
    ),
  );
  let legend = WIDTH - RIGHT;
  [...curves].reverse().forEach((curve, back) => {
    const i = curves.length - 1 - back;
    const colour = COLOURS[i % COLOURS.length]!;
    const finite = curve.points.filter(([x, y]) => isFinite2(x, y));
    const path = finite.map(([x, y]) => `${round(left(x))},${round(top(y))}`).join(' ');
    const dash = curve.dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="1.8"${dash} points="${path}"/>`,
      ...(finite.length <= 40
        ? finite.map(([x, y]) => dot(left(x), top(y), colour, `${curve.name}, ${x}: ${label(y)}`))
        : []),
      text(legend, 18, curve.name, `text-anchor="end" fill="${colour}"`),
    );
    legend -= 7 * curve.name.length + 14;
  });
  return svgDocument(WIDTH, HEIGHT, title, parts);
}

function dot(x: number, y: number, colour: string, hint: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="2.5" fill="${colour}"><title>${escapeXml(hint)}</title></circle>`;
}

const isFinite2 = (x: number, y: number) => Number.isFinite(x) && Number.isFinite(y);
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
