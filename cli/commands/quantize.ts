/** `spikingformer quantize`. */
import { type Command, Option } from 'commander';
import { weightFormats } from '../../lib/quantize';
import {
  backendOption,
  jsonOption,
  MODEL,
  partialOption,
  wholeNumber,
  withModelOptions,
} from '../_arguments';

export const quantizeCommand = (program: Command) =>
  withModelOptions(program.command('quantize'))
    .description('write a model with weights of 8 or 16 bits, for inference')
    .argument('<model>', MODEL)
    .addOption(
      new Option('--to <format>', 'int8: per channel before a batch norm; or float16')
        .choices(weightFormats)
        .makeOptionMandatory(),
    )
    .option('--out <dir>', 'where to (default: beside the model, its name with -int8 or -float16)')
    .option('--force', 'replace what is there')
    .option('--recipe <name>', "recipe of the data to compare answers on (default: its run's)")
    .option('--data <what>', "a data set by name, or the folder of the recipe's data")
    .option('--samples <n>', 'use only this many held-out samples', wholeNumber(1))
    .addOption(partialOption())
    .addOption(backendOption())
    .addOption(jsonOption('print what was done as JSON, weight by weight'))
    .addHelpText(
      'after',
      `
The folder is a model like any other: predict, evaluate, energy, convert and
tf.loadLayersModel read it, in a page too. With --data, --recipe or --samples
the held-out samples are answered before and after. Biases, norms, time
constants and thresholds stay as they are. Weights take less room on disk and
on the way, not in memory: tfjs computes in float32.`,
    )
    .action(async (model, options) => (await import('../quantize')).quantize(model, options));
