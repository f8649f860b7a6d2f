/** The gradient study's figure: three panels by stage, one line an order; dots are the seeds, lines their mean. */

import { svgDocument, text } from '../svg';
import { type StudyVariant, studyVariants } from './_network';
import type { GradientStudyRow } from './index';

const looks: Record<StudyVariant, { color: string; name: string }> = {
  'conv-bn-pool-lif': { color: '#0c6e84', name: 'ConvBN-MaxPool-LIF (CML)' },
  'conv-bn-lif-pool': { color: '#c8553d', name: 'ConvBN-LIF-MaxPool' },
  rerouted: { color: '#8a8f98', name: 'ConvBN-LIF-MaxPool, gradient to the highest membrane' },
};

const panels = [
  { key: 'misrouted', title: 'misrouted share of the gradient', note: 'at each pool' },
  {
    key: 'relaxedCosine',
    title: 'cosine with the smooth relaxation',
    note: 'gradient of each kernel',
  },
  { key: 'finiteCosine', title: 'cosine with finite differences', note: 'gradient of each kernel' },
] as const;

const [width, height, gap, left, top] = [220, 180, 60, 46, 84];
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** An SVG document of the rows of one or more seeds. */
export function gradientStudySvg(rows: readonly GradientStudyRow[]): string {
  const stages = [...new Set(rows.map(({ stage }) => stage))].sort((a, b) => a - b);
  const variants = studyVariants.filter((each) => rows.some(({ variant }) => variant === each));
  const seedsOf = (some: readonly GradientStudyRow[]) => new Set(some.map(({ seed }) => seed)).size;
  const seeds = seedsOf(rows);
  const measured = seedsOf(rows.filter(({ finiteCosine }) => Number.isFinite(finiteCosine)));
  const lowest = Math.min(0, ...rows.flatMap((row) => panels.map(({ key }) => row[key] || 0)));
  const floor = Math.floor(lowest * 5) / 5;
  const title = 'Where the gradient of a max pool goes';
  const parts = [
    text(12, 22, title, 'font-size="15" font-weight="bold"'),
    text(
      12,
      40,
      `fresh weights, ${seeds} seeds (finite differences: ${measured}); stage 1 sees the image, the last feeds the readout`,
    ),
  ];
  variants.forEach((variant, i) => {
    const x = 12 + [0, 190, 350][i]!;
    const { color, name } = looks[variant];
    parts.push(`<circle cx="${x + 5}" cy="56" r="4" fill="${color}"/>`, text(x + 14, 60, name));
  });
  panels.forEach(({ key, title, note }, p) => {
    const x0 = left + p * (width + gap);
    const xOf = (stage: number) => x0 + (width * (stages.indexOf(stage) + 0.5)) / stages.length;
    const yOf = (value: number) => top + 20 + height * (1 - (value - floor) / (1 - floor));
    parts.push(text(x0, top + 4, title, 'font-weight="bold"'));
    for (let tick = Math.round(floor * 5); tick <= 5; tick++) {
      const y = yOf(tick / 5);
      const color = tick === 0 ? '#888' : '#e5e7eb';
      parts.push(
        `<line x1="${x0}" x2="${x0 + width}" y1="${y}" y2="${y}" stroke="${color}"/>`,
        text(x0 - 6, y + 4, (tick / 5).toFixed(1), 'text-anchor="end" fill="#555"'),
      );
    }
    for (const stage of stages) {
      parts.push(text(xOf(stage), top + height + 36, `${stage}`, 'text-anchor="middle"'));
    }
    parts.push(
      text(x0 + width / 2, top + height + 52, `stage; ${note}`, 'text-anchor="middle" fill="#555"'),
    );
    variants.forEach((variant, i) => {
      const { color } = looks[variant];
      const valuesAt = (stage: number) =>
        rows
          .filter((row) => row.variant === variant && row.stage === stage)
          .map((row) => row[key])
          .filter(Number.isFinite);
      const points = stages
        .filter((stage) => valuesAt(stage).length > 0)
        .map((stage) => `${xOf(stage)},${yOf(mean(valuesAt(stage))).toFixed(2)}`);
      if (points.length === 0) return;
      parts.push(
        `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
      );
      for (const stage of stages) {
        for (const value of valuesAt(stage)) {
          const x = xOf(stage) + (i - 1) * 5;
          parts.push(
            `<circle cx="${x}" cy="${yOf(value).toFixed(2)}" r="2.5" fill="${color}" fill-opacity="0.55"/>`,
          );
        }
      }
    });
  });
  return svgDocument(left + 3 * width + 2 * gap + 20, top + height + 66, title, parts);
}
