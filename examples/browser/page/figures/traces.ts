/** The membranes of a few neurons as time goes by: charge, threshold, spike, reset. */
import type { Traces } from '../../network/traces';
import { ClosedError } from '../client';
import { themeColors } from '../drawing';
import { button, Choice, make } from '../elements';
import { Figure } from '../figure';
import { drawLines, type Line } from '../line_chart';
import type { InsideView, Look } from './view';

const SHOWN = 3;
const DASHES = [[], [7, 4], [2, 3]];

export class TracesView implements InsideView {
  private look: Look | null = null;
  private traces: Traces | null = null;
  private readonly layer = new Choice('Layer', () => this.choose());
  private readonly neurons = make('input', { type: 'text', inputMode: 'numeric', size: 14 });
  private readonly figure = new Figure(
    {
      name: 'traces',
      title: 'Membranes',
      sentence:
        'What comes in charges a membrane; at the threshold it fires, which the marks above show, and is reset. ' +
        'Present the picture for more time steps to see more of it.',
      height: () => 220,
      draw: (pen) =>
        drawLines(pen, {
          lines: this.lines(),
          xTitle: 'time step',
          yTitle: 'membrane',
          yFrom: 0,
          yTo: (this.traces?.vThreshold ?? 1) * 1.1,
          level: { y: this.traces?.vThreshold ?? 1, name: 'threshold' },
        }),
      describe: () =>
        (this.traces?.neurons ?? [])
          .map((neuron, i) => {
            const count = this.traces!.spikes[i]!.reduce((a, b) => a + b, 0);
            return `neuron ${neuron} of ${this.traces!.path} fired at ${count} time steps`;
          })
          .join(', ') || 'No membranes to show',
      rows: () => [
        ['layer', 'neuron', 'time_step', 'input', 'charged', 'membrane', 'spike'],
        ...(this.traces?.neurons ?? []).flatMap((neuron, i) =>
          this.traces!.input[i]!.map((input, t) => {
            const { path, charged, membrane, spikes } = this.traces!;
            return [path, neuron, t, input, charged[i]![t]!, membrane[i]![t]!, spikes[i]![t]!];
          }),
        ),
      ],
    },
    [
      this.layer.label,
      make('label', { className: 'choice' }, 'Neurons ', this.neurons),
      button('Most active', () => this.choose()),
    ],
  );
  readonly element = this.figure.element;

  constructor() {
    this.neurons.addEventListener('change', () => void this.trace());
  }

  show(look: Look | null): void {
    this.look = look;
    if (!look) {
      this.traces = null;
      this.figure.redraw();
      return;
    }
    this.layer.set(look.info.neurons.map((path) => [path, path]));
    if (this.neurons.value === '') this.choose();
    else void this.trace();
  }

  /** The neurons of the layer that fired most often. */
  private choose(): void {
    const layer = this.look?.inside.layers.find(({ path }) => path === this.layer.value);
    if (!layer) return;
    const counts = Array.from({ length: layer.neurons }, (_, neuron) => {
      let count = 0;
      for (let i = neuron; i < layer.spikes.length; i += layer.neurons) count += layer.spikes[i]!;
      return { neuron, count };
    });
    const most = counts.sort((a, b) => b.count - a.count).slice(0, SHOWN);
    this.neurons.value = most.map(({ neuron }) => neuron).join(', ');
    void this.trace();
  }

  private chosen(): number[] {
    const layer = this.look?.inside.layers.find(({ path }) => path === this.layer.value);
    const numbers = this.neurons.value
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number);
    const last = (layer?.neurons ?? 0) - 1;
    const wrong = numbers.some((n) => !Number.isInteger(n) || n < 0 || n > last);
    this.neurons.setCustomValidity(
      wrong ? `Neurons must be whole numbers from 0 to ${last}, with commas between them` : '',
    );
    this.neurons.reportValidity();
    return wrong ? [] : numbers.slice(0, SHOWN);
  }

  private async trace(): Promise<void> {
    const { look } = this;
    const neurons = this.chosen();
    if (!look?.session.client || neurons.length === 0) return;
    try {
      const traces = await look.session.client.call('trace', look.bytes, this.layer.value, neurons);
      if (this.look !== look) return;
      this.traces = traces;
      this.figure.redraw();
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  /** A membrane climbs during a step, and falls at its end if it fires. */
  private lines(): Line[] {
    const { traces } = this;
    if (!traces) return [];
    const { spike, cool, third } = themeColors();
    return traces.neurons.map((neuron, i) => ({
      name: `${neuron}`,
      color: [spike, cool, third][i]!,
      dash: DASHES[i]!,
      points: [
        [0, 0],
        ...traces.charged[i]!.flatMap((h, t): [number, number][] => [
          [t + 1, h],
          [t + 1, traces.membrane[i]![t]!],
        ]),
      ],
      marks: traces.spikes[i]!.flatMap((s, t) => (s === 1 ? [t + 1] : [])),
    }));
  }
}
