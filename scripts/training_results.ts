/**
 * Trains a recipe with several seeds and, if asked, both orders of downsampling, one run after the
 * other, or from another model's weights and from nothing, or in both precisions, and adds every epoch to
 * results/NAME.csv. Killed, it goes on where it was.
 *
 *   npm run results -- cml_order --recipe cifar10-tiny --seeds 1,2,3 --orders
 *   npm run results -- cifar10_first_epochs --recipe cifar10-4-384-400 --epochs 10 --backend tensorflow
 *   npm run results -- precision_epochs --recipe cifar10-tiny --precisions --epochs 1 --backend tensorflow
 *   npm run results -- finetuning --recipe own-images --data runs/parity --from digits --seeds 1,2,3
 */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { integers, record, type TrainFlags, train } from './_training_runs';

interface Options extends TrainFlags {
  recipe: string;
  seeds: number[];
  orders?: boolean;
  precisions?: boolean;
  set: string[];
}

const program = new Command('results')
  .argument('<name>', 'of the file in results/ and of the folder in runs/')
  .requiredOption('--recipe <name>', 'what to train')
  .option('--seeds <list>', 'one run each', integers, [42])
  .addOption(
    new Option(
      '--orders',
      'train each seed with CML and with the order before it; not with --from, whose weights are of one order',
    ).conflicts(['precisions', 'from']),
  )
  .addOption(
    new Option(
      '--precisions',
      'train each seed with gradients of inputs in float32 and in bfloat16; not with --from or --orders',
    ).conflicts('from'),
  )
  .option('--from <model>', "train each seed from that model's weights and from nothing")
  .option('--set <key=value>', 'change the recipe', (value, all: string[]) => [...all, value], [])
  .option('--epochs <n>', 'stop after so many epochs')
  .option('--backend <name>')
  .option('--data <dir>')
  .option('--workers <n>')
  .parse();
const options = program.opts<Options>();
const name = program.args[0]!;
const command = `npm run results -- ${process.argv.slice(2).join(' ')}`;

/** One way to train each seed. */
interface Variant {
  /** Of its folder; default the recipe. */
  name?: string;
  settings?: string[];
  from?: string;
  /** What the results record of it, by column. */
  about: Record<string, string>;
}

function variants(): Variant[] {
  if (options.precisions) {
    return ['float32', 'bfloat16'].map((precision) => ({
      name: precision,
      settings: [`precision=${precision}`],
      about: { precision },
    }));
  }
  if (options.from !== undefined) {
    return [options.from, undefined].map((from) => ({
      name: from ?? 'nothing',
      from,
      about: { from: from ?? 'nothing' },
    }));
  }
  if (options.orders) {
    return ['conv-bn-pool-lif', 'conv-bn-lif-pool'].map((order) => ({
      name: order,
      settings: [`model.order=${order}`],
      about: { order },
    }));
  }
  return [{ about: { order: 'as the recipe' } }];
}

for (const seed of options.seeds) {
  for (const { name: variant, settings = [], from, about } of variants()) {
    const run = join('runs', name, `${variant ?? options.recipe}-${seed}`);
    train(run, options.recipe, [...options.set, `seed=${seed}`, ...settings], { ...options, from });
    const told = { recipe: options.recipe, ...about, seed };
    record(join('results', `${name}.csv`), run, told, command);
  }
}
