/** `spikingformer predict`. */
import { type Command, Option } from 'commander';
import {
  backendOption,
  checkpointOption,
  dataFolderOption,
  jsonOption,
  wholeNumber,
} from '../_arguments';

export const predictCommand = (program: Command) =>
  program
    .command('predict')
    .description("what a run's model takes samples for")
    .argument('<run>', 'the folder of a run')
    .argument('[file]', 'a CIFAR .bin, idx3-ubyte, .aedat or .safetensors; none: held-out samples')
    .option('--samples <n>', 'how many samples', wholeNumber(1, 9999), 10)
    .addOption(
      new Option('--count <n>', 'the former name of --samples')
        .argParser(wholeNumber(1, 9999))
        .hideHelp(),
    )
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(dataFolderOption())
    .addOption(jsonOption('print probabilities of all classes as JSON'))
    .action(async (run, file, { count, ...options }) => {
      const samples = count ?? options.samples;
      await (await import('../predict')).predict(run, file, { ...options, samples });
    });
