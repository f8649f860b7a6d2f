/** The gradient study's figure: three panels by stage, one line per order; dots are seeds, lines their mean. */
import { categoryAxis, linearAxis } from '../../display/axis';
import { lineChart, type Points } from '../../display/line_chart';
import { type StudyVariant, studyVariants } from './_network';
import type { GradientStudyRow } from './index';

const names: Record<StudyVariant, string> = {
  'conv-bn-pool-lif': 'ConvBN-MaxPool-LIF (CML)',
  'conv-bn-lif-pool': 'ConvBN-LIF-MaxPool',
  rerouted: 'ConvBN-LIF-MaxPool, gradient to the highest membrane',
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

/** Horizontal offset of a variant's dots from their stage. */
const ASIDE = 0.09;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** An SVG document for the rows of one or more seeds. */
export function gradientStudySvg(rows: readonly GradientStudyRow[]): string {
  const stages = [...new Set(rows.map(({ stage }) => stage))].sort((a, b) => a - b);
  const variants = studyVariants.filter((each) => rows.some(({ variant }) => variant === each));
  const seedsOf = (some: readonly GradientStudyRow[]) => new Set(some.map(({ seed }) => seed)).size;
  const measured = seedsOf(rows.filter(({ finiteCosine }) => Number.isFinite(finiteCosine)));
  const values = rows.flatMap((row) => panels.map(({ key }) => row[key]));
  const y = linearAxis([0, 1, ...values], { roundEnds: true });
  const chart = lineChart({
    title: 'Where the gradient of a max pool goes',
    subtitle: `fresh weights, ${seedsOf(rows)} seeds (finite differences: ${measured}); stage 1 takes the image, the last feeds the readout`,
    panelWidth: 280,
    panels: panels.map(({ key, title, note }) => ({
      title,
      x: categoryAxis(stages),
      y,
      xLabel: `stage; ${note}`,
      series: variants.map((variant, i) => {
        const own = rows.filter((row) => row.variant === variant && Number.isFinite(row[key]));
        const at = (stage: number) =>
          own.filter((row) => row.stage === stage).map((row) => row[key]);
        const line: Points = stages.map((stage) => [stage, mean(at(stage))]);
        const dots: Points = own.map((row) => [row.stage + (i - 1) * ASIDE, row[key]]);
        return { name: names[variant], line, dots };
      }),
    })),
  });
  return chart.toString();
}
