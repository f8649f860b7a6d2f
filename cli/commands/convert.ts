/** `spikingformer convert`. */
import type { Command } from 'commander';
import { checkpointOption, jsonOption, MODEL } from '../_arguments';

export const convertCommand = (program: Command) =>
  program
    .command('convert')
    .description(
      'convert weights between PyTorch checkpoints, safetensors and tfjs models; export ONNX',
    )
    .argument('<in>', MODEL)
    .argument(
      '<out>',
      'a .pth.tar, .pth, .pt, .bin, .safetensors or .onnx; a name without ending is a folder for a tfjs model',
    )
    .addOption(checkpointOption())
    .option('--preset <name>', 'the network, if its shapes fit several presets')
    .option(
      '--config <json>',
      'options that neither preset nor checkpoint has, as \'{"numHeads": 8}\'',
    )
    .option('--key <path>', "where in <in> the weights are, as 'net' or 'checkpoint.model'")
    .option('--ema', 'take the averaged weights, state_dict_ema')
    .option('--strict', 'refuse tensors that the network does not have')
    .option('--force', 'replace what is at <out>')
    .option(
      '--ignore-unknown-classes',
      'treat objects of unknown classes beside the weights as empty',
    )
    .addOption(jsonOption('print what was done as JSON'))
    .addHelpText(
      'after',
      `
Sizes are inferred from shapes; heads, time steps and tau come from --config,
--preset or the args in the checkpoint. A .pth.tar is written as timm's, with
state_dict; that of a network for events as the authors' event scripts', with
model; a .bin holds the weights alone; an .onnx computes what the network does
at inference, for any number of samples. Nothing in a checkpoint is executed.
Files written by this command need no options to convert back.`,
    )
    .action(async (input, output, options) =>
      (await import('../convert')).convert(input, output, options),
    );
