/** Line charts as plain SVG text: a few panels side by side, both axes logarithmic, a legend below. */
import { escapeXml } from '../analysis/svg';

export interface Series {
  name: string;
  /** Both positive, in the order of x. */
  points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly Series[];
}

const WIDTH = 420;
const HEIGHT = 300;
const MARGIN = { left: 70, right: 18, top: 38, bottom: 50 };
const TITLE = 34;
const LEGEND = 34;
/** Okabe and Ito's colours, which colour-blind readers tell apart; one series keeps its own in all panels. */
const COLOURS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

const text = (x: number, y: number, content: string, attributes = '') =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(content)}</text>`;

const round = (value: number) => Math.round(value * 10) / 10;

/** A tick's number as one reads it: 0.5, 20, 3000. */
const label = (value: number) => String(Number(value.toPrecision(3)));

/** 1, 2 and 5 times powers of ten, from the last one below `low` to the first one above `high`. */
export function ticks(low: number, high: number): number[] {
  const all: number[] = [];
  // One power more below: a logarithm may be rounded up to the next.
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${power}`));
  }
  const first = all.filter((tick) => tick <= low).length - 1;
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(first, Math.max(last, first + 1) + 1);
}

/** Where a number lies between two others, by its logarithm: 0 to 1. */
const place = (value: number, low: number, high: number) =>
  high === low ? 0.5 : Math.log(value / low) / Math.log(high / low);

function drawPanel({ title, xLabel, yLabel, series }: Panel, names: readonly string[]): string {
  const points = series.flatMap((each) => each.points);
  const wrong = points.flat().find((value) => !(value > 0 && Number.isFinite(value)));
  if (points.length === 0 || wrong !== undefined) {
    throw new Error(
      `'${title}' must have points with positive numbers, but has ${wrong ?? 'no points'}`,
    );
  }
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const yTicks = ticks(
    Math.min(...points.map(([, y]) => y)),
    Math.max(...points.map(([, y]) => y)),
  );
  const inner = {
    width: WIDTH - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
  };
  const toX = (x: number) => MARGIN.left + inner.width * place(x, xs[0]!, xs.at(-1)!);
  const toY = (y: number) => MARGIN.top + inner.height * (1 - place(y, yTicks[0]!, yTicks.at(-1)!));
  const bottom = MARGIN.top + inner.height;
  const right = MARGIN.left + inner.width;
  const middle = `${MARGIN.left / 5},${MARGIN.top + inner.height / 2}`;
  return [
    text(MARGIN.left, MARGIN.top - 14, title, 'font-weight="bold"'),
    ...yTicks.flatMap((tick) => [
      `<path d="M${MARGIN.left} ${round(toY(tick))}H${right}" stroke="#ddd"/>`,
      text(MARGIN.left - 7, toY(tick) + 4, label(tick), 'text-anchor="end"'),
    ]),
    ...xs.flatMap((x) => [
      `<path d="M${round(toX(x))} ${bottom}v5" stroke="#666"/>`,
      text(toX(x), bottom + 19, label(x), 'text-anchor="middle"'),
    ]),
    `<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${right}" fill="none" stroke="#666"/>`,
    text(MARGIN.left + inner.width / 2, bottom + 39, xLabel, 'text-anchor="middle"'),
    `<g transform="translate(${middle}) rotate(-90)">${text(0, 0, yLabel, 'text-anchor="middle"')}</g>`,
    ...series.map(({ name, points }) => {
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      const path = points.map(([x, y]) => `${round(toX(x))} ${round(toY(y))}`);
      const dots = path.map((at) => `<circle cx="${at.replace(' ', '" cy="')}" r="3"/>`).join('');
      return `<g stroke="${colour}" fill="${colour}"><path d="M${path.join('L')}" fill="none" stroke-width="2"/>${dots}</g>`;
    }),
  ].join('\n');
}

/** The picture of all panels. Throws where a number cannot lie on a logarithmic axis. */
export function drawChart(title: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const width = WIDTH * panels.length;
  const height = TITLE + HEIGHT + LEGEND;
  let at = MARGIN.left;
  const legend = names.map((name, i) => {
    const y = TITLE + HEIGHT + 12;
    const entry =
      `<path d="M${at} ${y}h18" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="3"/>` +
      text(at + 24, y + 4, name);
    at += 52 + 7 * name.length;
    return entry;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(MARGIN.left, 24, title, 'font-size="15"'),
    ...panels.map(
      (panel, i) =>
        `<g transform="translate(${i * WIDTH},${TITLE})">\n${drawPanel(panel, names)}\n</g>`,
    ),
    ...legend,
    '</svg>\n',
  ].join('\n');
}
