/** A run's numbers as rows: what CSV files and TensorBoard get. */
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

export const epochHeader = [...epochColumns, 'firingRate', 'dead', 'saturated'].join(',');
export const stepHeader = stepColumns.join(',');

/** Mean over the layers; null where nothing was observed. */
export function meanFiringRate({ firingRates }: EpochReport): number | null {
  const rates = Object.values(firingRates);
  return rates.length === 0 ? null : rates.reduce((a, b) => a + b) / rates.length;
}

/** A row of metrics.csv; layers are joined by spaces. */
export function epochRow(report: EpochReport): string {
  const cells = [
    ...epochColumns.map((column) => report[column]),
    meanFiringRate(report),
    report.dead.join(' '),
    report.saturated.join(' '),
  ];
  return cells.map(cell).join(',');
}

/** A row of steps.csv. */
export function stepRow(report: StepReport): string {
  return stepColumns.map((column) => cell(report[column])).join(',');
}

function cell(value: number | string | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(Number(value.toPrecision(7)));
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** What TensorBoard shows of an epoch, by tag. */
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
