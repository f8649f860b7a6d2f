/**
 * Trains a recipe with several seeds and, if asked, both orders of downsampling, one run after the
 * other, and adds every epoch to results/NAME.csv. Killed, it goes on where it was.
 *
 *   npm run results -- cml_order --recipe cifar10-tiny --seeds 1,2,3 --orders
 *   npm run results -- cifar10_first_epochs --recipe cifar10-4-384-400 --epochs 10 --backend tensorflow
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { appendCsv, type Row } from '../bench/csv';
import { parseCsv } from '../display/csv';

interface Options {
  recipe: string;
  seeds: number[];
  orders?: boolean;
  set: string[];
  epochs?: string;
  backend?: string;
  data?: string;
  workers?: string;
}

/** What is taken of an epoch. */
const METRICS = ['epoch', 'trainLoss', 'trainAccuracy', 'testLoss', 'testAccuracy', 'seconds'];

function integers(text: string): number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It must be integers like 1,2,3.');
  return text.split(',').map(Number);
}

/** One run to its end, new or resumed; returns the command. */
function train(out: string, options: Options, settings: readonly string[]): void {
  const given = (['epochs', 'backend', 'data', 'workers'] as const).flatMap((flag) =>
    options[flag] === undefined ? [] : [`--${flag}`, options[flag]],
  );
  const set = settings.flatMap((setting) => ['--set', setting]);
  const resume = existsSync(join(out, 'recipe.yaml')) ? ['--resume'] : [];
  const args = ['train', '--recipe', options.recipe, '--out', out, ...set, ...given, ...resume];
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'cli/index.ts', ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** The run's epochs as rows; those of a run that is there already are not added twice. */
function record(
  file: string,
  run: string,
  about: { recipe: string; order: string; seed: number },
  command: string,
): void {
  const keyOf = (row: Row) => [row.recipe, row.order, row.seed, row.epoch].join();
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

const program = new Command('results')
  .argument('<name>', 'of the file in results/ and of the folder in runs/')
  .requiredOption('--recipe <name>', 'what to train')
  .option('--seeds <list>', 'one run each', integers, [42])
  .option('--orders', 'train each seed with CML and with the order before it')
  .option('--set <key=value>', 'change the recipe', (value, all: string[]) => [...all, value], [])
  .option('--epochs <n>', 'stop after so many epochs')
  .option('--backend <name>')
  .option('--data <dir>')
  .option('--workers <n>')
  .parse();
const options = program.opts<Options>();
const name = program.args[0]!;
const orders = options.orders ? ['conv-bn-pool-lif', 'conv-bn-lif-pool'] : [undefined];
const command = `npm run results -- ${process.argv.slice(2).join(' ')}`;

for (const seed of options.seeds) {
  for (const order of orders) {
    const run = join('runs', name, `${order ?? options.recipe}-${seed}`);
    const settings = [...options.set, `seed=${seed}`, ...(order ? [`model.order=${order}`] : [])];
    train(run, options, settings);
    const about = { recipe: options.recipe, order: order ?? 'as the recipe', seed };
    record(join('results', `${name}.csv`), run, about, command);
  }
}
