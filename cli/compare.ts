/** `spikingformer compare`: a run's accuracy next to the authors' log, epoch by epoch. */
import { join } from 'node:path';
import { writeAtomically } from '../node/files/files';
import { type Curve, curvesSvg } from '../training/curves';
import type { EpochReport } from '../training/observer';
import { placeOfModel } from './_model';
import { readRecipe } from './_recipes';
import { publishedCurve } from './_report';
import { checkpointsOf, recipeOf } from './_run_folder';
import { UsageError } from './shared/errors';

export interface CompareArguments {
  recipe?: string;
  svg?: string;
  json?: boolean;
}

interface Row {
  /** From 0, as in metrics.csv and the authors' logs; the table counts from 1. */
  epoch: number;
  /** Accuracy in percent. */
  run: number | null;
  authors: number | null;
}

export async function compare(name: string, options: CompareArguments): Promise<void> {
  const { run } = placeOfModel(name);
  if (run === undefined) {
    throw new UsageError(`model must be a run, since its epochs are compared, but got '${name}'`);
  }
  const recipe = options.recipe === undefined ? recipeOf(run) : readRecipe(options.recipe);
  const authors = publishedCurve(recipe);
  if (!authors) {
    throw new UsageError(
      `recipe ${recipe.name} has no authors' log; name one that has with --recipe, such as cifar10-4-384-400`,
    );
  }
  const newest = await checkpointsOf(run).newest((message) => console.error(`warning: ${message}`));
  if (!newest || newest.manifest.history.length === 0) {
    throw new Error(`${run} has no finished epoch yet`);
  }
  const { history } = newest.manifest;
  const rows = rowsOf(history, authors);
  const svg = options.svg ?? join(run, 'compare.svg');
  const own: Curve = {
    name: 'this run',
    points: history.flatMap((r) =>
      percentOf(r) === null ? [] : [[r.epoch, percentOf(r)!] as const],
    ),
  };
  const picture = curvesSvg(`${recipe.name}: test accuracy, %`, [own, authors]);
  await writeAtomically(svg, [new TextEncoder().encode(String(picture))]);
  if (options.json)
    console.log(JSON.stringify({ recipe: recipe.name, rows, best: recipe.expected?.best, svg }));
  else console.log(`${table(rows)}\nchart in ${svg}`);
}

const percentOf = (report: EpochReport) =>
  report.testAccuracy === null ? null : 100 * report.testAccuracy;

/** The epochs that the authors printed, and the run's last. */
function rowsOf(history: readonly EpochReport[], authors: Curve): Row[] {
  const own = new Map(history.map((report) => [report.epoch, percentOf(report)]));
  const theirs = new Map(authors.points);
  const last = history.at(-1)!.epoch;
  const epochs = [...new Set([...theirs.keys(), last])].sort((a, b) => a - b);
  return epochs.map((epoch) => ({
    epoch,
    run: own.get(epoch) ?? null,
    authors: theirs.get(epoch) ?? null,
  }));
}

function table(rows: readonly Row[]): string {
  const number = (value: number | null) => (value === null ? '-' : value.toFixed(2)).padStart(10);
  const lines = rows.map(({ epoch, run, authors }) => {
    const difference = run === null || authors === null ? null : run - authors;
    return `${String(epoch + 1).padStart(5)}${number(run)}${number(authors)}${number(difference)}`;
  });
  return ['epoch       run   authors      more', ...lines].join('\n');
}
