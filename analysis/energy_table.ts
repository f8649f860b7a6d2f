/** An energy report as text: a table of the layers, the totals, and every assumption behind them. */
import { aligned } from './_text';
import type { EnergyReport, EnergyTotals } from './energy';

const numbers = Array<'right'>(5).fill('right');

/** 1234567 -> '1.235 M'. */
export function withUnit(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const power = value > 0 ? Math.floor(Math.log10(value) / 3) : 0;
  const unit = Math.max(0, Math.min(units.length - 1, power));
  return unit === 0
    ? `${Number(value.toPrecision(4))}`
    : `${(value / 1000 ** unit).toPrecision(4)}${units[unit]}`;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
/** Picojoules as microjoules. */
const microjoules = (pj: number) => (pj * 1e-6).toPrecision(3);

function totalsLine(name: string, { macs, acs, computeMJ, memoryMJ, totalMJ }: EnergyTotals) {
  return [
    name,
    `${withUnit(macs)} MACs`,
    `${withUnit(acs)} ACs`,
    ...(memoryMJ > 0
      ? [`${computeMJ.toPrecision(5)} mJ computing`, `${memoryMJ.toPrecision(5)} mJ memory`]
      : []),
    `${totalMJ.toPrecision(5)} mJ`,
  ];
}

/** The assumptions behind the figures, one sentence each. */
export function assumptionLines({ assumptions, uncounted }: EnergyReport): string[] {
  const { name, macPJ, acPJ, source, memory, wholeNumbers } = assumptions;
  return [
    `assumptions '${name}': ${macPJ} pJ per MAC, ${acPJ} pJ per AC; ${source}`,
    'counted: convolutions, linear maps, attention; not batch norm, pools, neurons and additions',
    'ACs: operations times the share of spikes in the input; other inputs count as MACs',
    `whole-number inputs count as ${wholeNumbers === 'mac' ? 'MACs' : 'ACs, one per unit'}`,
    memory === 'not counted'
      ? 'memory: not counted'
      : `memory '${memory}': a MAC reads 2 words, an AC reads 2 and writes 1, an output is written, a neuron reads and writes its membrane at every step; nothing is reused`,
    'dense: uJ of the same layers without spikes, each once, all MACs',
    ...(uncounted.length > 0
      ? [`NOT COUNTED, since no rule covers them: ${uncounted.join(', ')}`]
      : []),
  ];
}

/** The report as lines of text. */
export function energyTable(report: EnergyReport): string {
  const { layers, totals, dense, ratio } = report;
  const head = ['layer', 'input', 'rate', 'ops', 'computed', 'uJ', 'dense'];
  const rows = layers.map((row) => [
    row.path,
    row.input,
    row.input === 'real' ? '' : percent(row.rate),
    withUnit(row.operations),
    row.macs > 0 ? `${withUnit(row.macs)} MAC` : `${withUnit(row.acs)} AC`,
    microjoules(row.computePJ + row.memoryPJ),
    microjoules(row.dense.computePJ + row.dense.memoryPJ),
  ]);
  return [
    ...aligned([head, ...rows], ['left', 'left', ...numbers]),
    '',
    ...aligned(
      [totalsLine('spiking', totals), totalsLine('without spikes', dense)],
      ['left', ...numbers],
    ),
    `ratio ${ratio.toPrecision(4)}`,
    '',
    ...assumptionLines(report),
  ].join('\n');
}
