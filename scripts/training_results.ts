/**
 * Trains a recipe with several seeds and, if asked, both orders of downsampling, one run after the
 * other, or from another model's weights and from nothing, and adds every epoch to results/NAME.csv. Killed, it goes
 * on where it was.
 *
 *   npm run results -- cml_order --recipe cifar10-tiny --seeds 1,2,3 --orders
 *   npm run results -- cifar10_first_epochs --recipe cifar10-4-384-400 --epochs 10 --backend tensorflow
 *   npm run results -- finetuning --recipe own-images --data runs/parity --from digits --seeds 1,2,3
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { integers, record, type TrainFlags, train } from './_training_runs';

interface Options extends TrainFlags {
  recipe: string;
  seeds: number[];
  orders?: boolean;
  set: string[];
}

const program = new Command('results')
  .argument('<name>', 'of the file in results/ and of the folder in runs/')
  .requiredOption('--recipe <name>', 'what to train')
  .option('--seeds <list>', 'one run each', integers, [42])
  .option('--orders', 'train each seed with CML and with the order before it')
  .option('--from <model>', "train each seed from that model's weights and from nothing")
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

const beginnings = options.from === undefined ? [undefined] : [options.from, undefined];

for (const seed of options.seeds) {
  for (const order of orders) {
    for (const from of beginnings) {
      const begun = options.from === undefined ? undefined : (from ?? 'nothing');
      const run = join('runs', name, `${order ?? begun ?? options.recipe}-${seed}`);
      const settings = [...options.set, `seed=${seed}`, ...(order ? [`model.order=${order}`] : [])];
      train(run, options.recipe, settings, { ...options, from });
      const about = {
        recipe: options.recipe,
        ...(begun === undefined ? { order: order ?? 'as the recipe' } : { from: begun }),
        seed,
      };
      record(join('results', `${name}.csv`), run, about, command);
    }
  }
}
