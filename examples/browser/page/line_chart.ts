/** Lines over numbers, with an axis, a legend, and a level that they are measured against. */
import { type Pen, writeText } from './drawing';

export interface Line {
  name: string;
  color: string;
  points: readonly (readonly [x: number, y: number])[];
  /** CSS pixels on and off; default: solid. */
  dash?: readonly number[];
  /** Places to mark on the chart's upper edge, such as spikes. */
  marks?: readonly number[];
}

export interface LineChart {
  lines: readonly Line[];
  xTitle: string;
  yTitle: string;
  /** Shown whatever the lines are. */
  yFrom: number;
  yTo: number;
  /** A dashed level with its name. */
  level?: { y: number; name: string };
  xRange?: readonly [from: number, to: number];
}

const EDGE = { left: 44, right: 12, top: 32, bottom: 34 };

const rounded = (value: number) => `${Number(value.toPrecision(3))}`;

export function drawLines(pen: Pen, chart: LineChart): void {
  const { context, width, height, colors } = pen;
  const points = chart.lines.flatMap((line) => line.points);
  const xs = chart.xRange ?? [
    Math.min(...points.map(([x]) => x)),
    Math.max(...points.map(([x]) => x)),
  ];
  const ys = [
    points.reduce((least, [, y]) => Math.min(least, y), chart.yFrom),
    points.reduce((most, [, y]) => Math.max(most, y), chart.yTo),
  ] as const;
  const span = (from: number, to: number) => (to > from ? to - from : 1);
  const right = width - EDGE.right;
  const bottom = height - EDGE.bottom;
  const xAt = (x: number) =>
    EDGE.left + ((x - xs[0]) / span(...(xs as [number, number]))) * (right - EDGE.left);
  const yAt = (y: number) => bottom - ((y - ys[0]) / span(...ys)) * (bottom - EDGE.top);

  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  for (let i = 0; i <= 4; i++) {
    const y = ys[0] + (span(...ys) * i) / 4;
    context.beginPath();
    context.moveTo(EDGE.left, yAt(y));
    context.lineTo(right, yAt(y));
    context.stroke();
    writeText(pen, rounded(y), EDGE.left - 6, yAt(y), colors.soft, { align: 'right' });
  }
  writeText(pen, chart.yTitle, 0, 8, colors.soft);
  writeText(pen, chart.xTitle, right, height - 8, colors.soft, { align: 'right' });
  if (points.length > 0) {
    writeText(pen, rounded(xs[0]), EDGE.left, bottom + 12, colors.soft);
    writeText(pen, rounded(xs[1]!), right, bottom + 12, colors.soft, { align: 'right' });
  }
  if (chart.level) {
    context.setLineDash([2, 4]);
    context.strokeStyle = colors.soft;
    context.beginPath();
    context.moveTo(EDGE.left, yAt(chart.level.y));
    context.lineTo(right, yAt(chart.level.y));
    context.stroke();
    writeText(pen, chart.level.name, EDGE.left + 4, yAt(chart.level.y) - 8, colors.soft);
  }
  let legendAt = EDGE.left + context.measureText(chart.yTitle).width;
  for (const { name, color, points: path, dash = [], marks = [] } of chart.lines) {
    context.setLineDash([...dash]);
    context.strokeStyle = color;
    context.lineWidth = 1.75;
    context.beginPath();
    for (const [x, y] of path) context.lineTo(xAt(x), yAt(y));
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = color;
    for (const mark of marks) context.fillRect(xAt(mark) - 1.5, EDGE.top - 8, 3, 8);
    legendAt += writeLegend(pen, name, dash, legendAt);
  }
}

/** The line's sample and name; returns the room that they took. */
function writeLegend(pen: Pen, name: string, dash: readonly number[], x: number): number {
  const { context, colors } = pen;
  context.setLineDash([...dash]);
  context.beginPath();
  context.moveTo(x, 8);
  context.lineTo(x + 18, 8);
  context.stroke();
  context.setLineDash([]);
  writeText(pen, name, x + 23, 8, colors.ink);
  return 23 + context.measureText(name).width + 14;
}
