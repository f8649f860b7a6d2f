/** A run's numbers as rows for CSV files and TensorBoard. */
import { type Cell, csvLine } from '../display/csv';
import type { EpochReport, StepReport } from './observer';

const epochColumns = [
  'epoch',
  'step',
  'learningRate',
  'trainLoss',
  'trainAccuracy',
  'testLoss',
  'testAccuracy',
  'testTop5',
  'averageAccuracy',
  'seconds',
  'samplesPerSecond',
] as const satisfies (keyof EpochReport)[];

const stepColumns = ['step', 'epoch', 'learningRate', 'loss', 'accuracy'] as const;

export const epochHeader = csvLine([...epochColumns, 'firingRate', 'dead', 'saturated']);
export const stepHeader = csvLine(stepColumns);

/** Mean over the layers; null if nothing was observed. */
export function meanFiringRate({ firingRates }: EpochReport): number | null {
  const rates = Object.values(firingRates);
  return rates.length === 0 ? null : rates.reduce((a, b) => a + b) / rates.length;
}

/** A line of metrics.csv; layer names are joined by spaces. */
export function epochRow(report: EpochReport): string {
  return line([
    ...epochColumns.map((column) => report[column]),
    meanFiringRate(report),
    report.dead.join(' '),
    report.saturated.join(' '),
  ]);
}

/** A line of steps.csv. */
export function stepRow(report: StepReport): string {
  return line(stepColumns.map((column) => report[column]));
}

/** Numbers to seven digits, the precision of float32. */
const line = (cells: readonly Cell[]) =>
  csvLine(cells.map((cell) => (typeof cell === 'number' ? Number(cell.toPrecision(7)) : cell)));

/** An epoch's scalars for TensorBoard, by tag. */
export function epochScalars(report: EpochReport): Record<string, number | null> {
  return {
    'epoch/train_loss': report.trainLoss,
    'epoch/train_accuracy': report.trainAccuracy,
    'epoch/test_loss': report.testLoss,
    'epoch/test_accuracy': report.testAccuracy,
    'epoch/average_accuracy': report.averageAccuracy,
    'epoch/samples_per_second': report.samplesPerSecond,
    ...Object.fromEntries(
      Object.entries(report.firingRates).map(([path, rate]) => [`firing_rate/${path}`, rate]),
    ),
  };
}
