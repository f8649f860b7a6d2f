/** `spikingformer predict`. */
import type { Command } from 'commander';
import {
  backendOption,
  dataFolderOption,
  formerly,
  jsonOption,
  MODEL,
  partialOption,
  wholeNumber,
  withModelOptions,
} from '../_arguments';

export const predictCommand = (program: Command) =>
  withModelOptions(program.command('predict'))
    .description('what a model takes samples for')
    .argument('<model>', MODEL)
    .argument('[file]', 'a CIFAR .bin, idx3-ubyte, .aedat or .safetensors; none: held-out samples')
    .option('--samples <n>', 'how many samples', wholeNumber(1, 9999), 10)
    .addOption(formerly('--count <n>', 'samples', wholeNumber(1, 9999)))
    .option('--recipe <name>', "whose data it is tried on (default: its run's)")
    .addOption(backendOption())
    .addOption(dataFolderOption())
    .addOption(partialOption())
    .addOption(jsonOption('print probabilities of all classes as JSON'))
    .action(async (model, file, options) =>
      (await import('../predict')).predict(model, file, options),
    );
