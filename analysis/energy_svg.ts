/** An energy report as a picture: each layer's firing rate by time step, and its energy beside that without spikes. */

import type { Activity } from './activity';
import type { EnergyReport, LayerEnergy } from './energy';
import { assumptionLines } from './energy_table';
import { escapeXml, svgDocument, text } from './svg';

const row = 16;
const top = 64;
const labels = 190;
const cell = 18;
const bars = 300;

/** The path's activity by step: the map's input, or the first of an attention's neurons. */
function stepsOf(activity: Activity | undefined, { path, kind, input }: LayerEnergy): number[] {
  if (input === 'real' || !activity) return [];
  const source =
    kind === 'attention'
      ? activity.neurons.get(path.replace(/product$/, 'q_lif'))
      : activity.inputs.get(path);
  return source?.perStep ?? [];
}

/** White to dark blue, by the rate's root: low rates, the usual ones, differ visibly. */
function shade(rate: number): string {
  const dark = Math.sqrt(Math.min(1, Math.max(0, rate)));
  const mix = (light: number, deep: number) => Math.round(light + (deep - light) * dark);
  return `rgb(${mix(245, 12)},${mix(248, 44)},${mix(252, 132)})`;
}

const microjoules = (pj: number) => `${Number((pj * 1e-6).toPrecision(3))}`;

/**
 * An SVG document. With `activity` it shows rates by time step too.
 *
 * ```ts
 * const report = energy(model, images);
 * const svg = energySvg(report, report.activity, 'Spikingformer-4-256');
 * ```
 */
export function energySvg(report: EnergyReport, activity?: Activity, title = 'Energy'): string {
  const { layers, totals, dense, ratio } = report;
  const steps = Math.max(1, ...layers.map((layer) => stepsOf(activity, layer).length));
  const cellWidth = Math.max(4, Math.min(cell, 160 / steps));
  const cells = activity ? Math.max(steps * cellWidth, 100) + 24 : 0;
  const left = labels + cells;
  const spent = (layer: LayerEnergy) => layer.computePJ + layer.memoryPJ;
  const spentDense = (layer: LayerEnergy) => layer.dense.computePJ + layer.dense.memoryPJ;
  const largest = Math.max(...layers.flatMap((layer) => [spent(layer), spentDense(layer)]), 1e-9);
  const length = (pj: number) => (bars * pj) / largest;
  const parts: string[] = [
    text(12, 22, title, 'font-size="15" font-weight="bold"'),
    text(
      12,
      40,
      `${totals.totalMJ.toPrecision(4)} mJ a sample, ${dense.totalMJ.toPrecision(4)} mJ without spikes: ${ratio.toPrecision(3)} times that`,
    ),
    ...(activity ? [text(labels, top - 6, 'input, by time step')] : []),
    `<rect x="${left}" y="${top - 15}" width="10" height="8" fill="#0c6e84"/>`,
    text(left + 14, top - 6, 'spiking'),
    `<rect x="${left + 70}" y="${top - 15}" width="10" height="8" fill="#c9ced6"/>`,
    text(left + 84, top - 6, 'without spikes'),
  ];
  layers.forEach((layer, i) => {
    const y = top + i * row;
    parts.push(text(labels - 8, y + 11, layer.path, 'text-anchor="end"'));
    stepsOf(activity, layer).forEach((rate, t) => {
      const hint = `<title>${escapeXml(layer.path)}, step ${t + 1}: ${(100 * rate).toFixed(2)} %</title>`;
      parts.push(
        `<rect x="${labels + t * cellWidth}" y="${y + 1}" width="${cellWidth - 1}" height="${row - 3}" fill="${shade(rate)}">${hint}</rect>`,
      );
    });
    parts.push(
      `<rect x="${left}" y="${y + 1}" width="${length(spent(layer)).toFixed(2)}" height="6" fill="#0c6e84"/>`,
      `<rect x="${left}" y="${y + 8}" width="${length(spentDense(layer)).toFixed(2)}" height="5" fill="#c9ced6"/>`,
      text(
        left + Math.max(length(spent(layer)), length(spentDense(layer))) + 4,
        y + 11,
        `${microjoules(spent(layer))} / ${microjoules(spentDense(layer))} uJ`,
        'fill="#555" font-size="9"',
      ),
    );
  });
  const notes = [
    ...(activity
      ? ['input, by time step: share that is not 0, from white (0 %) to blue (100 %), by its root']
      : []),
    ...assumptionLines(report),
  ];
  const below = top + layers.length * row + 20;
  notes.forEach((line, i) => {
    parts.push(text(12, below + i * 13, line, 'fill="#555" font-size="9"'));
  });
  return svgDocument(Math.max(left + bars + 80, 720), below + notes.length * 13 + 6, title, parts);
}
