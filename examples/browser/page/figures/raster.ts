/** Every spike of every layer: a strip per layer, a row per time step. */
import type { LayerSpikes } from '../../network/inside';
import { type Pen, writeText } from '../drawing';
import { percent } from '../elements';
import { Figure } from '../figure';
import type { InsideView, Look } from './view';

const TITLE_ROW = 18;
const GAP = 8;
/** Least width of a neuron, in CSS pixels. */
const NEURON = 2;

const rowHeight = (timeSteps: number) => Math.max(2, Math.min(8, Math.floor(24 / timeSteps)));

export class RasterView implements InsideView {
  private layers: LayerSpikes[] = [];
  private readonly figure = new Figure({
    name: 'raster',
    title: 'Spikes',
    sentence:
      'Each mark is a spike, the only thing that neurons send each other: a column is a neuron, a row a time step. ' +
      'Layers with more neurons than there is room for show evenly chosen ones.',
    height: () =>
      Math.max(
        60,
        this.layers.reduce((sum, { timeSteps }) => sum + stripHeight(timeSteps), 0),
      ),
    draw: (pen) => this.draw(pen),
    describe: () =>
      this.layers.length === 0
        ? 'No picture is before the network'
        : `Spike raster: ${this.layers.map(({ path, rate }) => `${path} ${percent(rate)}`).join(', ')}`,
    rows: () => [
      ['layer', 'time_step', 'neuron'],
      ...this.layers.flatMap(({ path, neurons, spikes }) =>
        Array.from(spikes.keys())
          .filter((i) => spikes[i] === 1)
          .map((i) => [path, Math.floor(i / neurons), i % neurons]),
      ),
    ],
  });
  readonly element = this.figure.element;

  show(look: Look | null): void {
    this.layers = look?.inside.layers ?? [];
    this.figure.redraw();
  }

  private draw(pen: Pen): void {
    let top = 0;
    for (const layer of this.layers) {
      drawStrip(pen, layer, top);
      top += stripHeight(layer.timeSteps);
    }
    if (top === 0) writeText(pen, 'draw a digit to see its spikes', 0, 30, pen.colors.soft);
  }
}

const stripHeight = (timeSteps: number) => TITLE_ROW + timeSteps * rowHeight(timeSteps) + GAP;

function drawStrip(pen: Pen, layer: LayerSpikes, top: number): void {
  const { context, width, colors } = pen;
  const { path, timeSteps, neurons, spikes, rate } = layer;
  const shown = Math.min(neurons, Math.floor(width / NEURON));
  const note = shown < neurons ? `${shown} of ${neurons}` : `${neurons}`;
  writeText(pen, path, 0, top + 8, colors.ink, { room: width - 150 });
  writeText(pen, `${note} · ${percent(rate)}`, width, top + 8, colors.soft, { align: 'right' });
  const high = rowHeight(timeSteps);
  const wide = width / shown;
  context.fillStyle = colors.line;
  context.globalAlpha = 0.35;
  context.fillRect(0, top + TITLE_ROW, width, timeSteps * high);
  context.globalAlpha = 1;
  context.fillStyle = colors.spike;
  for (let t = 0; t < timeSteps; t++) {
    for (let i = 0; i < shown; i++) {
      if (spikes[t * neurons + Math.floor((i * neurons) / shown)] !== 1) continue;
      context.fillRect(i * wide, top + TITLE_ROW + t * high, Math.max(1.5, wide - 0.5), high - 1);
    }
  }
}
