/** `spikingformer compare`. */
import type { Command } from 'commander';
import { jsonOption } from '../_arguments';

export const compareCommand = (program: Command) =>
  program
    .command('compare')
    .description("compare a run with the authors' log: a table and a chart")
    .argument('<run>', 'the folder of a run')
    .option('--recipe <name>', "whose log to compare with (default: the run's own)")
    .option('--svg <file>', 'path of the chart (default: compare.svg in the run)')
    .addOption(jsonOption('print the table as JSON, epochs from 0 as in metrics.csv'))
    .action(async (run, options) => (await import('../compare')).compare(run, options));
