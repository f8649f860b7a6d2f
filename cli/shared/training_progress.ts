/** The output of `train`: a bar on a terminal, two lines per epoch elsewhere, or JSON for programs. */
import { meanFiringRate } from '../../training/metrics';
import type { EpochReport, StepReport, TrainingObserver } from '../../training/observer';
import { type Progress, showProgress } from './progress';

/** '12.34 %', or '-' where there is none. */
export const percent = (share: number | null) =>
  share === null ? '-' : `${(100 * share).toFixed(2)} %`;

/** '2 h 10 min', '45 s'. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 90) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Two lines per epoch, within 80 columns: first accuracy and loss, then the conditions. */
function epochLines(report: EpochReport): string {
  const { epoch, epochs, trainLoss, trainAccuracy, testLoss, testAccuracy } = report;
  const rate = meanFiringRate(report);
  const results = [
    `epoch ${epoch + 1}/${epochs}`,
    `train loss ${trainLoss.toFixed(3)} ${percent(trainAccuracy)}`,
    ...(testLoss === null ? [] : [`test loss ${testLoss.toFixed(3)} ${percent(testAccuracy)}`]),
    `${report.samplesPerSecond.toFixed(0)} samples/s`,
  ];
  const details = [
    `lr ${report.learningRate.toPrecision(3)}`,
    ...(rate === null ? [] : [`firing ${percent(rate)}`]),
    ...(report.averageAccuracy === null ? [] : [`average ${percent(report.averageAccuracy)}`]),
  ];
  return `${results.join('  ')}\n  ${details.join('  ')}`;
}

/** A bar on stderr if it is a terminal; lines per epoch on stdout. */
export function textObserver(): TrainingObserver {
  let bar: Progress | undefined;
  let shown = '';
  let began = 0;
  let learned = 0;
  const terminal = process.stderr.isTTY;
  const start = (title: string, total: number) => {
    if (!terminal || shown === title) return;
    bar?.stop();
    bar = showProgress(title, total, process.stderr);
    shown = title;
  };
  return {
    onStart: () => {
      began = performance.now();
    },
    onStep: (report) => {
      learned++;
      start(`epoch ${report.epoch + 1}/${report.epochs}`, report.batchesPerEpoch);
      bar?.update(report.batch, stepStatus(report, learned, (performance.now() - began) / 1000));
    },
    onEvaluation: (done, total) => {
      start('evaluating', total);
      bar?.update(done);
    },
    onEpoch: (report) => {
      bar?.stop();
      shown = '';
      console.log(epochLines(report));
      if (report.dead.length > 0) console.error(`warning: dead layers: ${report.dead.join(', ')}`);
      if (report.saturated.length > 0) {
        console.error(`warning: saturated layers: ${report.saturated.join(', ')}`);
      }
    },
    onEnd: () => bar?.stop(),
  };
}

function stepStatus(report: StepReport, learned: number, seconds: number): string {
  const { epoch, epochs, batch, batchesPerEpoch, epochLoss, epochAccuracy, learningRate } = report;
  const perStep = seconds / learned;
  const batchesToAStep = Math.max(1, Math.round((epoch * batchesPerEpoch + batch) / report.step));
  const left = ((epochs - epoch) * batchesPerEpoch - batch) / batchesToAStep;
  const memory = process.memoryUsage().rss / 2 ** 20;
  return [
    `loss ${epochLoss.toFixed(3)}`,
    percent(epochAccuracy),
    `lr ${learningRate.toPrecision(3)}`,
    `${(report.samples / perStep).toFixed(1)}/s`,
    `${memory.toFixed(0)} MiB`,
    `${duration(left * perStep)} for all`,
  ].join('  ');
}

/** One line of JSON per epoch on stdout. */
export function jsonObserver(): TrainingObserver {
  return { onEpoch: (report) => console.log(JSON.stringify({ event: 'epoch', ...report })) };
}
