/** Curves over epochs as a chart, for reports and comparisons. */
import { linearAxis } from '../display/axis';
import type { Html } from '../display/html';
import { lineChart } from '../display/line_chart';

export interface Curve {
  name: string;
  /** `[epoch, y]` in the order of epochs. Epochs count from 0, as in logs; the chart shows them from 1. */
  points: readonly (readonly [number, number])[];
  /** Whether the line is dashed, as for published results. */
  dashed?: boolean;
}

/** An SVG document. Points with NaN or Infinity are left out. */
export function curvesSvg(title: string, curves: readonly Curve[]): Html {
  const series = curves.map(({ name, points, dashed }) => ({
    name,
    dashed,
    line: points.map(([epoch, y]) => [epoch + 1, y] as const),
  }));
  const points = series.flatMap(({ line }) => line);
  const x = linearAxis(
    points.map(([epoch]) => epoch),
    { whole: true },
  );
  const y = linearAxis(
    points.map(([, value]) => value),
    { roundEnds: true },
  );
  return lineChart({ title, panels: [{ x, y, xLabel: 'epoch', series }] });
}
