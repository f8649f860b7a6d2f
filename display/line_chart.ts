/** Lines and dots over an axis: one panel or several side by side, with one legend. */
import { type Axis, tickLabel } from './axis';
import { type Html, html } from './html';
import { legend } from './legend';
import { light } from './palette';
import { round, svgDocument, text, textWidth } from './svg';

export type Points = readonly (readonly [x: number, y: number])[];

export interface Series {
  /** A name has the same color in all panels. */
  name: string;
  line: Points;
  /** Default: the points of the line, unless there are many. */
  dots?: Points;
  dashed?: boolean;
}

export interface Panel {
  title?: string;
  x: Axis;
  y: Axis;
  xLabel: string;
  yLabel?: string;
  series: readonly Series[];
}

export interface LineChart {
  title: string;
  subtitle?: string;
  panels: readonly Panel[];
  /** Width of each panel in pixels. Default 360. */
  panelWidth?: number;
}

/** Height of a panel's plot in pixels. */
const PLOT_HEIGHT = 176;
const BELOW = 44;
/** The left edge of title and legend. */
const LEFT = 10;
const RIGHT = 14;
/** A line with more points shows no dots. */
const MANY_POINTS = 40;

/** An SVG document as wide as its panels. Points with NaN or Infinity are left out. */
export function lineChart({ title, subtitle, panels, panelWidth = 360 }: LineChart): Html {
  const width = panelWidth * panels.length;
  const all = new Map(panels.flatMap(({ series }) => series.map((each) => [each.name, each])));
  const names = [...all.keys()];
  const entries = [...all.values()].map(({ name, dashed }) => ({
    name,
    swatch: (x: number, y: number) => stroke(`M${x} ${y}h14`, names.indexOf(name), dashed),
  }));
  const head = [text(LEFT, 18, title, { bold: true, size: 13.5 })];
  if (subtitle !== undefined) head.push(text(LEFT, 36, subtitle, { soft: true }));
  const top = subtitle === undefined ? 26 : 44;
  const { parts, height } = legend(entries, { left: LEFT, right: width, top });
  const below = top + height + 8;
  const titles = panels.some((panel) => panel.title !== undefined) ? 22 : 0;
  const drawn = panels.map(
    (panel, i) =>
      html`<g transform="translate(${i * panelWidth},${round(below)})">\n${drawPanel(panel, names, panelWidth, titles)}\n</g>`,
  );
  const total = Math.ceil(below + titles + PLOT_HEIGHT + BELOW);
  return svgDocument(width, total, title, [...head, ...parts, ...drawn]);
}

/** Space for the numbers and the label left of a panel's plot. */
function marginOf({ y, yLabel }: Panel): number {
  const widest = Math.max(...y.ticks.map((tick) => textWidth(tickLabel(tick))));
  return Math.ceil(widest + 12 + (yLabel === undefined ? 0 : 18));
}

function drawPanel(panel: Panel, names: readonly string[], width: number, top: number): Html {
  const { title, x, y, xLabel, yLabel, series } = panel;
  const left = marginOf(panel);
  const right = width - RIGHT;
  const bottom = top + PLOT_HEIGHT;
  const toX = (value: number) => round(left + x.place(value) * (right - left));
  const toY = (value: number) => round(bottom - y.place(value) * PLOT_HEIGHT);
  const shown = (points: Points) =>
    points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  const parts: Html[] = [];
  if (title !== undefined) parts.push(text(left, top - 10, title, { bold: true }));
  y.ticks.forEach((tick) => {
    // The lowest line is the axis; zero gets one too if there are values below it.
    const kind = tick === y.ticks[0] || Math.abs(tick) < 1e-12 ? 'axis' : 'grid';
    parts.push(
      html`<path class="${kind}" d="M${left} ${toY(tick)}H${right}"/>`,
      text(left - 7, toY(tick) + 4, tickLabel(tick), { anchor: 'end', soft: true }),
    );
  });
  for (const tick of x.ticks) {
    parts.push(
      html`<path class="axis" d="M${toX(tick)} ${bottom}v4"/>`,
      text(toX(tick), bottom + 18, tickLabel(tick), { anchor: 'middle', soft: true }),
    );
  }
  parts.push(text((left + right) / 2, bottom + 36, xLabel, { anchor: 'middle', soft: true }));
  if (yLabel !== undefined) {
    const middle = html`translate(12,${round(top + PLOT_HEIGHT / 2)}) rotate(-90)`;
    const label = text(0, 0, yLabel, { anchor: 'middle', soft: true });
    parts.push(html`<g transform="${middle}">${label}</g>`);
  }
  for (const { name, line, dots, dashed } of series) {
    const color = names.indexOf(name);
    const points = shown(line);
    const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${toX(a)} ${toY(b)}`).join('');
    if (points.length > 0) parts.push(stroke(path, color, dashed));
    const own = dots === undefined ? (points.length > MANY_POINTS ? [] : points) : shown(dots);
    const hint = (at: number) => (dots === undefined ? `${name}, ${tickLabel(at)}` : name);
    const faint = dots !== undefined && html` fill-opacity="0.55"`;
    for (const [a, b] of own) {
      parts.push(
        html`<circle class="fill${color % COLORS}" cx="${toX(a)}" cy="${toY(b)}" r="2.5"${faint}><title>${hint(a)}: ${tickLabel(b)}</title></circle>`,
      );
    }
  }
  return html`${parts.map((part, i) => (i === 0 ? part : html`\n${part}`))}`;
}

const COLORS = light.series.length;

function stroke(path: string, color: number, dashed = false): Html {
  const dashes = dashed && html` stroke-dasharray="5 4"`;
  return html`<path class="line${color % COLORS}" d="${path}" fill="none" stroke-width="1.8"${dashes}/>`;
}
