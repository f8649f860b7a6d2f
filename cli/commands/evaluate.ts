/** `spikingformer evaluate`. */
import type { Command } from 'commander';
import {
  backendOption,
  checkpointOption,
  dataFolderOption,
  jsonOption,
  wholeNumber,
} from '../_arguments';

export const evaluateCommand = (program: Command) =>
  program
    .command('evaluate')
    .description("measure a run's or a model's accuracy on held-out samples")
    .argument('<run>', 'the folder of a run, or with --recipe of a saved model')
    .option('--recipe <name>', 'whose data a saved model is measured on')
    .addOption(checkpointOption())
    .option('--samples <n>', 'only so many of the held-out samples', wholeNumber(1))
    .addOption(backendOption())
    .addOption(dataFolderOption())
    .addOption(jsonOption('print the result as JSON, with the confusion matrix'))
    .action(async (run, options) => (await import('../evaluate')).evaluateModel(run, options));
