/** `spikingformer energy`. */
import { type Command, Option } from 'commander';
import { backendOption, jsonOption, MODEL, wholeNumber, withModelOptions } from '../_arguments';
import { textOption, tokenizerOption } from '../_text_options';

export const energyCommand = (program: Command) =>
  withModelOptions(program.command('energy'))
    .description('firing rates, operations and energy of a model, compared with one without spikes')
    .argument('<model>', MODEL)
    .option(
      '--data <what>',
      "a data set by name, or a file of samples; for a run, the folder of its data (default: the run's held-out samples; else noise)",
    )
    .addOption(
      new Option(
        '--rates <file>',
        'firing rates by layer path as JSON, instead of running the model',
      ).conflicts('data'),
    )
    .addOption(textOption().conflicts(['data', 'rates']))
    .addOption(tokenizerOption())
    .option('--samples <n>', 'how many samples of the data', wholeNumber(1), 16)
    .option('--seed <n>', 'seed of the noise that replaces missing data', wholeNumber(0), 0)
    .addOption(
      new Option('--assumptions <name>', '4.6 pJ per MAC and 0.9 pJ per AC; or those of int8')
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
      new Option('--whole-numbers <kind>', 'how to count sums of spikes')
        .choices(['mac', 'ac'] as const)
        .default('mac'),
    )
    .option(
      '--attention-heads <n>',
      "number of heads to count attention with (default: the model's)",
      wholeNumber(1),
    )
    .addOption(backendOption())
    .option('--svg <file>', 'write a chart to this file')
    .addOption(jsonOption('print everything as JSON'))
    .action(async (model, options) => (await import('../energy')).energy(model, options));
