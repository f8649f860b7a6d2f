/** `spikingformer datasets`. */
import { type Command, Option } from 'commander';
import { formerly, jsonOption, partialOption, wholeNumber } from '../_arguments';
import { exitCode } from '../shared/errors';

const folderOption = (description = 'where it is') =>
  new Option('--data <dir>', `${description} (default: $SPIKINGFORMER_DATA/NAME, or the cache)`);

const formerFolder = () => formerly('--root <dir>', 'data');

export function datasetsCommand(program: Command): void {
  const datasets = program.command('datasets').description('download, check and view data sets');

  datasets
    .command('list')
    .description('list the data sets with their sources and terms')
    .addOption(jsonOption('print everything known about them as JSON'))
    .action(async (options) => (await import('../datasets')).list(options));

  datasets
    .command('prepare')
    .description('download, verify and unpack a data set, or tell which file to put where')
    .argument('<name>', 'mnist, cifar10, ...: see `datasets list`')
    .addOption(folderOption('where it goes'))
    .addOption(formerFolder())
    .option('--mirror <address>', 'a web folder that has the archives, tried first')
    .option(
      '--frames <n>',
      'for events: make and cache this many frames per sample',
      wholeNumber(1),
    )
    .addOption(
      new Option(
        '--split-by <what>',
        'frames with equal numbers of events, or of equal time (default: number)',
      ).choices(['number', 'time'] as const),
    )
    .addOption(
      new Option('--duration <us>', 'for events: frames of this many microseconds instead')
        .argParser(wholeNumber(1))
        .conflicts(['frames', 'splitBy']),
    )
    .option('--skip-damaged', 'skip recordings that cannot be read')
    .addHelpText(
      'after',
      '\nAfter an interruption it continues where it was, and fetches nothing twice.',
    )
    .action(async (name, options) => (await import('../datasets')).prepare(name, options));

  datasets
    .command('check')
    .description('compare files with their hashes, count and read every sample')
    .argument('<name>', 'a data set that has been prepared')
    .addOption(folderOption())
    .addOption(formerFolder())
    .addOption(partialOption())
    .addOption(jsonOption('print the report as JSON'))
    .action(async (name, options) => {
      const sound = await (await import('../datasets')).check(name, options);
      if (!sound) process.exitCode = exitCode.failure;
    });

  datasets
    .command('show')
    .description('write a page of samples, original and augmented')
    .argument('<name>', 'a data set that has been prepared')
    .addOption(folderOption())
    .addOption(formerFolder())
    .addOption(
      new Option('--split <name>', 'which part')
        .choices(['train', 'test'] as const)
        .default('train'),
    )
    .option('--samples <n>', 'how many samples', wholeNumber(1, 9999), 12)
    .addOption(formerly('--count <n>', 'samples', wholeNumber(1, 9999)))
    .option('--seed <n>', 'which samples, and how they are augmented', wholeNumber(0), 0)
    .option('--frames <n>', 'for events: frames per sample', wholeNumber(1), 8)
    .option('--out <file>', 'path of the page (default: NAME-SPLIT.html)')
    .action(async (name, options) => (await import('../datasets')).show(name, options));
}
