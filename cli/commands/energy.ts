/** `spikingformer energy`. */
import { type Command, Option } from 'commander';
import { backendOption, jsonOption, MODEL, wholeNumber, withModelOptions } from '../_arguments';

export const energyCommand = (program: Command) =>
  withModelOptions(program.command('energy'))
    .description('firing rates, operations and energy of a model, beside the same without spikes')
    .argument('<model>', MODEL)
    .option(
      '--data <what>',
      "a data set by name, or a file of samples; of a run, the folder of its data (default: the run's held-out samples; else noise)",
    )
    .addOption(
      new Option(
        '--rates <file>',
        'firing rates by layer path as JSON, instead of running the model',
      ).conflicts('data'),
    )
    .option('--samples <n>', 'how many samples of the data', wholeNumber(1), 16)
    .option('--seed <n>', 'of the noise that stands in for data', wholeNumber(0), 0)
    .addOption(
      new Option('--assumptions <name>', '4.6 pJ per MAC and 0.9 per AC; or those of int8')
        .choices(['spikingformer', 'int8'] as const)
        .default('spikingformer'),
    )
    .addOption(
      new Option('--memory <name>', 'count accesses to that memory too').choices([
        'sram-8k',
        'sram-32k',
        'sram-1m',
        'dram',
      ] as const),
    )
    .addOption(
      new Option('--whole-numbers <kind>', 'what sums of spikes count as')
        .choices(['mac', 'ac'] as const)
        .default('mac'),
    )
    .option(
      '--attention-heads <n>',
      "heads that attention is counted with, if not the model's",
      wholeNumber(1),
    )
    .addOption(backendOption())
    .option('--svg <file>', 'write the picture there')
    .addOption(jsonOption('print all of it as JSON'))
    .action(async (model, options) => (await import('../energy')).energy(model, options));
