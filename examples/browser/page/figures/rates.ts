/** How often each layer's neurons fired, and how that changes from time step to time step. */
import type { LayerSpikes } from '../../network/inside';
import { type Pen, writeText } from '../drawing';
import { percent } from '../elements';
import { Figure } from '../figure';
import type { InsideView, Look } from './view';

const ROW = 30;

export class RatesView implements InsideView {
  private layers: LayerSpikes[] = [];
  private readonly figure: Figure;
  readonly element: HTMLElement;

  /** @param name of the figure @param note a sentence that follows the picture's own */
  constructor(name = 'rates', note = '') {
    this.figure = new Figure({
      name,
      title: 'Firing rates',
      sentence:
        `The share of neurons that fired, mean over all time steps; the lighter bars below each are the steps one by one. ${note}`.trimEnd(),
      height: () => Math.max(60, this.layers.length * ROW),
      draw: (pen) => {
        for (const [i, layer] of this.layers.entries())
          drawRow(pen, layer, i * ROW, this.largest());
      },
      describe: () =>
        `Firing rates: ${this.layers.map(({ path, rate }) => `${path} ${percent(rate, 2)}`).join(', ')}`,
      rows: () => [
        ['layer', 'rate', ...(this.layers[0]?.perStep ?? []).map((_, t) => `step_${t}`)],
        ...this.layers.map(({ path, rate, perStep }) => [path, rate, ...perStep]),
      ],
    });
    this.element = this.figure.element;
  }

  show(look: Pick<Look, 'inside'> | null): void {
    this.layers = look?.inside.layers ?? [];
    this.figure.redraw();
  }

  private largest(): number {
    return Math.max(0.01, ...this.layers.flatMap(({ perStep }) => perStep));
  }
}

function drawRow(
  pen: Pen,
  { path, rate, perStep }: LayerSpikes,
  top: number,
  largest: number,
): void {
  const { context, width, colors } = pen;
  const names = Math.min(170, width * 0.42);
  const values = 62;
  const room = width - names - values;
  writeText(pen, path, 0, top + 10, colors.ink, { room: names - 8 });
  context.fillStyle = colors.spike;
  context.fillRect(names, top + 4, Math.max(1, (rate / largest) * room), 10);
  context.globalAlpha = 0.45;
  const high = 8 / perStep.length;
  perStep.forEach((step, t) => {
    context.fillRect(
      names,
      top + 16 + t * high,
      Math.max(1, (step / largest) * room),
      Math.max(1, high - 1),
    );
  });
  context.globalAlpha = 1;
  writeText(pen, percent(rate, 2), width, top + 10, colors.soft, { align: 'right' });
}
