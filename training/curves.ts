/** Curves over epochs as a picture: what reports and comparisons show. */
import { linearAxis } from '../display/axis';
import type { Html } from '../display/html';
import { lineChart } from '../display/line_chart';

export interface Curve {
  name: string;
  /** `[epoch, y]`, in the order of epochs; these are counted from 0, as in logs, and shown from 1. */
  points: readonly (readonly [number, number])[];
  /** Dashed, for what others have published. */
  dashed?: boolean;
}

/** An SVG document. Points that are no numbers are left out. */
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
