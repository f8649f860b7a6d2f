/** The energy of one picture or sentence, layer by layer, beside the same network without spikes. */
import { type Pen, writeText } from '../drawing';
import { Figure } from '../figure';
import type { InsideView, Look } from './view';

type Report = Look['inside']['energy'];

const HEAD = 74;
const ROW = 26;

const microjoules = (pj: number) => Number((pj * 1e-6).toPrecision(3));

export class EnergyView implements InsideView {
  private report: Report | null = null;
  private readonly figure: Figure;
  readonly element: HTMLElement;

  /** @param name of the figure @param sample what the network is given */
  constructor(name = 'energy', sample = 'picture') {
    this.figure = new Figure({
      name,
      title: 'Energy',
      sentence:
        'An estimate, as the papers make it: a spike costs an addition of 0.9 pJ, any other number a multiply-accumulate of 4.6 pJ ' +
        '(45 nm, float32); below each layer, in blue, the same layer without spikes.',
      height: () => HEAD + (this.report?.layers.length ?? 0) * ROW,
      draw: (pen) => this.report && drawReport(pen, this.report),
      describe: () =>
        this.report ? headline(this.report, sample) : `No ${sample} is before the network`,
      rows: () => [
        ['layer', 'input', 'rate', 'macs', 'acs', 'spiking_uj', 'without_spikes_uj'],
        ...(this.report?.layers ?? []).map(({ path, input, rate, macs, acs, computePJ, dense }) => [
          ...[path, input, rate, macs, acs, computePJ * 1e-6, dense.computePJ * 1e-6],
        ]),
      ],
    });
    this.element = this.figure.element;
  }

  show(look: Pick<Look, 'inside'> | null): void {
    this.report = look?.inside.energy ?? null;
    // For who reads the page with a program; the canvas shows them rounded.
    const { ratio, totals, dense } = this.report ?? {};
    Object.assign(this.element.dataset, {
      ratio: ratio?.toPrecision(4) ?? '',
      spiking: totals?.totalMJ.toPrecision(5) ?? '',
      dense: dense?.totalMJ.toPrecision(5) ?? '',
    });
    this.figure.redraw();
  }
}

function headline({ totals, dense, ratio }: Report, sample: string): string {
  const uj = (mj: number) => `${Number((1000 * mj).toPrecision(3))} µJ`;
  return `${uj(totals.totalMJ)} per ${sample}, ${uj(dense.totalMJ)} without spikes: ${Number(ratio.toPrecision(3))} times that`;
}

function drawReport(pen: Pen, report: Report): void {
  const { context, width, colors } = pen;
  const { totals, dense, ratio, layers } = report;
  const most = Math.max(totals.totalMJ, dense.totalMJ);
  const total = (mj: number, name: string, color: string, y: number) => {
    context.fillStyle = color;
    context.fillRect(0, y + 14, (mj / most) * width, 10);
    writeText(pen, name, 0, y + 6, colors.soft);
    writeText(pen, `${Number((1000 * mj).toPrecision(3))} µJ`, width, y + 6, colors.ink, {
      align: 'right',
    });
  };
  total(totals.totalMJ, `with spikes · ${Number(ratio.toPrecision(3))} times`, colors.spike, 0);
  total(dense.totalMJ, 'without spikes', colors.cool, 30);
  const names = Math.min(170, width * 0.42);
  const room = width - names - 70;
  const largest = Math.max(...layers.flatMap((row) => [row.computePJ, row.dense.computePJ]));
  layers.forEach(({ path, computePJ, dense: without }, i) => {
    const y = HEAD + i * ROW;
    writeText(pen, path, 0, y + 8, colors.ink, { room: names - 8 });
    context.fillStyle = colors.spike;
    context.fillRect(names, y + 3, Math.max(1, (computePJ / largest) * room), 8);
    context.fillStyle = colors.cool;
    context.fillRect(names, y + 13, Math.max(1, (without.computePJ / largest) * room), 4);
    writeText(pen, `${microjoules(computePJ)}`, width, y + 8, colors.soft, { align: 'right' });
  });
}
