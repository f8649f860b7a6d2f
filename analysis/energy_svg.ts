/** An energy report as a chart: each layer's firing rate by time step, and its energy beside that without spikes. */

import { barChart } from '../display/bar_chart';
import type { Activity } from './activity';
import type { EnergyReport, LayerEnergy } from './energy';
import { assumptionLines } from './energy_table';

/** A path's activity by step: that of the map's input, or of the first of an attention's neurons. */
function stepsOf(activity: Activity | undefined, { path, kind, input }: LayerEnergy): number[] {
  if (input === 'real' || !activity) return [];
  const source =
    kind === 'attention'
      ? activity.neurons.get(path.replace(/product$/, 'q_lif'))
      : activity.inputs.get(path);
  return source?.perStep ?? [];
}

const microjoules = (pj: number) => `${Number((pj * 1e-6).toPrecision(3))}`;

/**
 * An SVG document. With `activity` it also shows rates by time step.
 *
 * ```ts
 * const report = energy(model, images);
 * const svg = energySvg(report, report.activity, 'Spikingformer-4-256');
 * ```
 */
export function energySvg(report: EnergyReport, activity?: Activity, title = 'Energy'): string {
  const { layers, totals, dense, ratio } = report;
  const cellsNote = 'input, by time step: share that is not 0; color strength is its square root';
  const chart = barChart({
    title,
    subtitle: `${totals.totalMJ.toPrecision(4)} mJ per sample, ${dense.totalMJ.toPrecision(4)} mJ without spikes: ${ratio.toPrecision(3)} times that`,
    series: ['spiking', 'without spikes'],
    cellsTitle: activity && 'input, by time step',
    rows: layers.map((layer) => {
      const bars = [layer, layer.dense].map(({ computePJ, memoryPJ }) => computePJ + memoryPJ);
      return {
        label: layer.path,
        cells: stepsOf(activity, layer).map((share, t) => ({
          share,
          hint: `${layer.path}, step ${t + 1}: ${(100 * share).toFixed(2)} %`,
        })),
        bars: bars as [number, number],
        note: `${bars.map(microjoules).join(' / ')} uJ`,
      };
    }),
    notes: [...(activity ? [cellsNote] : []), ...assumptionLines(report)],
  });
  return chart.toString();
}
