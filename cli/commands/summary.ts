/** `spikingformer summary`. */
import type { Command } from 'commander';
import { jsonOption } from '../_arguments';

export const summaryCommand = (program: Command) =>
  program
    .command('summary')
    .description('print the layers and parameters of a preset or a saved model')
    .argument(
      '[model]',
      'a preset, or the path of a model.json or its directory; none: list presets',
    )
    .addOption(jsonOption('print the totals as JSON'))
    .addHelpText(
      'after',
      `
For a preset the parameters are given twice: as built, and with what the authors'
PyTorch code creates and never uses, which their published counts include.`,
    )
    .action(async (model, options) => (await import('../summary')).summary(model, options));
