/** `spikingformer summary`. */
import type { Command } from 'commander';
import { jsonOption, MODEL, withModelOptions } from '../_arguments';

export const summaryCommand = (program: Command) =>
  withModelOptions(program.command('summary'))
    .description('print the layers and parameters of a model')
    .argument('[model]', `${MODEL}; none: list trained models and presets`)
    .addOption(jsonOption('print the totals as JSON'))
    .addHelpText(
      'after',
      `
For a preset the parameters are counted twice: as built, and with what the
authors' PyTorch code creates and never uses, which their published counts
include.`,
    )
    .action(async (model, options) => (await import('../summary')).summary(model, options));
