/** Training runs of scripts, each a process of the command: begun, resumed, and their epochs as rows of a CSV. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { appendCsv, type Row } from '../bench/csv';
import { parseCsv } from '../display/csv';

/** Options of `spikingformer train` that a script hands on. */
export interface TrainFlags {
  epochs?: string;
  backend?: string;
  data?: string;
  workers?: string;
  teacher?: string;
  from?: string;
}

const FLAGS = ['epochs', 'backend', 'data', 'workers', 'teacher', 'from'] as const;
/** What is taken of an epoch. */
const METRICS = ['epoch', 'trainLoss', 'trainAccuracy', 'testLoss', 'testAccuracy', 'seconds'];

/** For commander: '1,2,3'. */
export function integers(text: string): number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It must be integers like 1,2,3.');
  return text.split(',').map(Number);
}

/** One run to its end, new or resumed. */
export function train(
  out: string,
  recipe: string,
  settings: readonly string[],
  flags: TrainFlags,
): void {
  const resumed = existsSync(join(out, 'recipe.yaml'));
  const given = FLAGS.filter((flag) => !(resumed && flag === 'from')).flatMap((flag) =>
    flags[flag] === undefined ? [] : [`--${flag}`, flags[flag]],
  );
  const set = settings.flatMap((setting) => ['--set', setting]);
  // What was found in data of your own is in the run's recipe alone.
  const asked = resumed && recipe.startsWith('own-') ? [] : ['--recipe', recipe, ...set];
  const args = ['train', ...asked, '--out', out, ...given, ...(resumed ? ['--resume'] : [])];
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'cli/index.ts', ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * A run's epochs as rows; those that are there already are not added twice.
 * @param about what is told of the run, by column
 */
export function record(
  file: string,
  run: string,
  about: Readonly<Record<string, string | number>>,
  command: string,
): void {
  const keyOf = (row: Row) => [...Object.keys(about), 'epoch'].map((name) => row[name]).join();
  const kept = new Set(existsSync(file) ? parseCsv(readFileSync(file, 'utf8')).map(keyOf) : []);
  const rows = parseCsv(readFileSync(join(run, 'metrics.csv'), 'utf8')).map(
    (epoch): Row => ({
      date: new Date().toISOString().slice(0, 10),
      ...about,
      ...Object.fromEntries(METRICS.map((name) => [name, epoch[name]!])),
      command,
    }),
  );
  appendCsv(
    file,
    rows.filter((row) => !kept.has(keyOf(row))),
  );
}
