/** Curves of a training run: loss and accuracy step by step, firing rates epoch by epoch. */
import type { TrainingNews } from '../network/training';
import { paintCells, seenThrough, themeColors, writeText } from './drawing';
import { percent } from './elements';
import { Figure } from './figure';
import { drawLines } from './line_chart';

export interface History {
  steps: Extract<TrainingNews, { kind: 'step' }>[];
  epochs: Extract<TrainingNews, { kind: 'epoch' }>[];
}

/** Steps over which a curve is smoothed, on either side. */
const SMOOTH = 5;

function smoothed(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - SMOOTH), i + SMOOTH + 1);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

const ROW = 22;

export function trainingFigures(history: () => History): Figure[] {
  const curves = new Figure({
    name: 'curves',
    title: 'Loss and accuracy',
    sentence:
      'The loss of each batch, smoothed, and how many held-out images are read right after each epoch.',
    height: () => 220,
    draw(pen) {
      const { steps, epochs } = history();
      const { spike, cool } = themeColors();
      const losses = smoothed(steps.map(({ loss }) => loss));
      drawLines(pen, {
        lines: [
          { name: 'loss', color: spike, points: steps.map(({ step }, i) => [step, losses[i]!]) },
          {
            name: 'held-out accuracy',
            color: cool,
            dash: [7, 4],
            points: epochs.map(({ step, testAccuracy }) => [step, testAccuracy]),
          },
        ],
        ...{ xTitle: 'step', yTitle: '', yFrom: 0, yTo: 1 },
      });
    },
    describe() {
      const { steps, epochs } = history();
      if (steps.length === 0) return 'No training yet';
      const right = epochs.at(-1)
        ? `, ${percent(epochs.at(-1)!.testAccuracy)} right of held-out images`
        : '';
      return `Loss ${steps[0]!.loss.toFixed(2)} at first, ${steps.at(-1)!.loss.toFixed(2)} at step ${steps.at(-1)!.step}${right}`;
    },
    rows() {
      const { steps, epochs } = history();
      const ends = new Map(epochs.map((epoch) => [epoch.step, epoch]));
      return [
        ['step', 'loss', 'accuracy', 'test_loss', 'test_accuracy'],
        ...steps.map(({ step, loss, accuracy }) => {
          const { testLoss = '', testAccuracy = '' } = ends.get(step) ?? {};
          return [step, loss, accuracy, testLoss, testAccuracy];
        }),
      ];
    },
  });
  const names = () => Object.keys(history().epochs[0]?.firingRates ?? {});
  const rates = new Figure({
    name: 'training-rates',
    title: 'Firing rates while it learns',
    sentence:
      'The share of neurons that fire in each layer, a cell per epoch, the stronger the more, and the last epoch’s in numbers: a layer at zero has died.',
    height: () => Math.max(60, names().length * ROW),
    draw(pen) {
      const { epochs } = history();
      const largest = Math.max(...epochs.flatMap(({ firingRates }) => Object.values(firingRates)));
      const label = Math.min(170, pen.width * 0.42);
      names().forEach((path, i) => {
        const of = (epoch: number) => epochs[epoch]!.firingRates[path]!;
        const box = [label, i * ROW + 2, pen.width - label - 62, ROW - 4] as const;
        writeText(pen, path, 0, (i + 0.5) * ROW, pen.colors.ink, { room: label - 8 });
        paintCells(pen, box, [1, epochs.length], (epoch) =>
          seenThrough(pen.colors.spike, of(epoch) / largest),
        );
        const last = percent(of(epochs.length - 1));
        writeText(pen, last, pen.width, (i + 0.5) * ROW, pen.colors.soft, { align: 'right' });
      });
      if (epochs.length === 0) writeText(pen, 'after the first epoch', 0, 30, pen.colors.soft);
    },
    describe: () =>
      names()
        .map((path) => `${path} ${percent(history().epochs.at(-1)!.firingRates[path]!)}`)
        .join(', ') || 'No epoch yet',
    rows: () => [
      ['epoch', ...names()],
      ...history().epochs.map(({ epoch, firingRates }) => [
        epoch + 1,
        ...names().map((path) => firingRates[path]!),
      ]),
    ],
  });
  return [curves, rates];
}
