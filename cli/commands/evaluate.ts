/** `spikingformer evaluate`. */
import type { Command } from 'commander';
import {
  backendOption,
  dataFolderOption,
  jsonOption,
  MODEL,
  partialOption,
  wholeNumber,
  withModelOptions,
} from '../_arguments';

export const evaluateCommand = (program: Command) =>
  withModelOptions(program.command('evaluate'))
    .description("measure a model's accuracy on held-out samples")
    .argument('<model>', MODEL)
    .option('--recipe <name>', "recipe of the data to use (default: its run's)")
    .option('--samples <n>', 'use only this many held-out samples', wholeNumber(1))
    .addOption(backendOption())
    .addOption(dataFolderOption())
    .addOption(partialOption())
    .addOption(jsonOption('print the result as JSON, with the confusion matrix'))
    .action(async (model, options) => (await import('../evaluate')).evaluateModel(model, options));
