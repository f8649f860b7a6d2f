/**
 * The gradient study of docs/gradient_study.md: its rows to results/gradient_study.csv, which is written anew, and
 * its figure to docs/gradient_study.svg. `--seeds 24` and `--directions 64` say how much, `--finite 6`
 * how many of the seeds have finite differences, which take most of the time; `--figure` only draws.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { type GradientStudyRow, gradientStudy, gradientStudySvg } from '../analysis/index';
import { parseCsv } from '../display/csv';
import { replaceCsv } from './csv';

const results = 'results/gradient_study.csv';
const figure = 'docs/gradient_study.svg';

function table(rows: readonly GradientStudyRow[]): void {
  console.log(
    `${''.padEnd(20)}stage  misrouted  silent  tied  cosine: relaxed  finite differences`,
  );
  for (const { variant, stage, misrouted, silent, tied, relaxedCosine, finiteCosine } of rows) {
    const cells = [misrouted, silent, tied, relaxedCosine, finiteCosine].map((x) => x.toFixed(3));
    console.log(`${variant.padEnd(20)}${String(stage).padStart(5)}  ${cells.join('  ')}`);
  }
}

/** The rows of results, as they were written. */
function readRows(): GradientStudyRow[] {
  return parseCsv(readFileSync(results, 'utf8')).map((row) => {
    const entries = Object.entries(row).map(([key, cell]) => {
      if (key === 'variant' || key === 'command') return [key, cell];
      return [key, cell === '' ? Number.NaN : Number(cell)];
    });
    return Object.fromEntries(entries) as GradientStudyRow;
  });
}

/** By how much a variant's cosine is above that before CML, seed and stage by seed and stage: mean and its standard error. */
function compare(rows: readonly GradientStudyRow[]): void {
  for (const key of ['relaxedCosine', 'finiteCosine'] as const) {
    for (const variant of ['conv-bn-pool-lif', 'rerouted']) {
      const differences = rows
        .filter((row) => row.variant === variant)
        .map((row) => {
          const same = (other: GradientStudyRow) =>
            other.variant === 'conv-bn-lif-pool' &&
            other.seed === row.seed &&
            other.stage === row.stage;
          return row[key] - rows.find(same)![key];
        })
        .filter(Number.isFinite);
      const n = differences.length;
      const mean = differences.reduce((a, b) => a + b, 0) / n;
      const variance = differences.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1);
      const higher = differences.filter((difference) => difference > 0).length;
      console.log(
        `${key}: ${variant} is above conv-bn-lif-pool by ${mean.toFixed(3)} +- ${Math.sqrt(variance / n).toFixed(3)}, in ${higher} of ${n}`,
      );
    }
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '24' },
      finite: { type: 'string', default: '6' },
      directions: { type: 'string', default: '64' },
      figure: { type: 'boolean', default: false },
    },
  });
  if (!values.figure) {
    await tf.setBackend('wasm');
    const command = `npm run bench -- ${['gradient_study', ...args].join(' ')}`;
    const all: GradientStudyRow[] = [];
    for (let seed = 0; seed < Number(values.seeds); seed++) {
      const directions = seed < Number(values.finite) ? Number(values.directions) : 0;
      const rows = gradientStudy({ seed, directions });
      table(rows);
      all.push(...rows);
    }
    const rounded = all.map((row) =>
      Object.entries(row).map(([key, x]) => [
        key,
        typeof x === 'number' ? Number(x.toFixed(4)) : x,
      ]),
    );
    rmSync(results, { force: true });
    replaceCsv(
      results,
      ['seed', 'variant', 'stage'],
      rounded.map((entries) => ({ ...Object.fromEntries(entries), command })),
    );
  }
  const rows = readRows();
  compare(rows);
  writeFileSync(figure, gradientStudySvg(rows));
  console.log(`${results}, ${figure}`);
}
