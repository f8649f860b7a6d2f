/** `spikingformer predict`. */
import type { Command } from 'commander';
import {
  backendOption,
  dataFolderOption,
  formerly,
  jsonOption,
  MODEL,
  partialOption,
  share,
  wholeNumber,
  withModelOptions,
} from '../_arguments';
import { textOption, tokenizerOption } from '../_text_options';

export const predictCommand = (program: Command) =>
  withModelOptions(program.command('predict'))
    .description('print the classes that a model predicts')
    .argument('<model>', MODEL)
    .argument('[files...]', 'images, recordings, folders, globs, http(s) addresses, - for stdin')
    .addOption(textOption())
    .addOption(tokenizerOption())
    .option('--samples <n>', 'how many held-out samples, or of a file', wholeNumber(1, 9999), 10)
    .addOption(formerly('--count <n>', 'samples', wholeNumber(1, 9999)))
    .option('--top <k>', 'how many classes are shown', wholeNumber(1, 9999), 1)
    .option('--per-step', 'the answer after each time step too')
    .option('--sure <share>', 'stop at the time step after which a class has this share', share)
    .option('--recipe <name>', "whose data it is tried on (default: its run's)")
    .addOption(backendOption())
    .addOption(dataFolderOption())
    .addOption(partialOption())
    .addOption(jsonOption('print probabilities of all classes as JSON'))
    .addHelpText(
      'after',
      `
Without files: held-out samples of the run's data. Files of many samples
(CIFAR .bin, idx3-ubyte, .safetensors) give their first ones. What cannot be
read is named on stderr, the others are answered, and the exit status is 1.

Examples:
  spikingformer predict runs/flowers photo.jpg 'more/**/*.png' --top 3
  spikingformer predict runs/flowers/model https://example.org/rose.webp --json
  spikingformer predict runs/gestures new.aedat --per-step
  spikingformer predict runs/flowers ./photos --sure 0.9
  spikingformer predict runs/sentences --text 'A fine film.' 'A dull one.'`,
    )
    .action(async (model, sources, options) =>
      (await import('../predict')).predict(model, sources, options),
    );
