/** The commands with their arguments and help; nothing runs yet. */
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { compareCommand } from './commands/compare';
import { convertCommand } from './commands/convert';
import { datasetsCommand } from './commands/datasets';
import { doctorCommand } from './commands/doctor';
import { energyCommand } from './commands/energy';
import { evaluateCommand } from './commands/evaluate';
import { initCommand } from './commands/init';
import { nativeCommand } from './commands/native';
import { predictCommand } from './commands/predict';
import { quantizeCommand } from './commands/quantize';
import { recipesCommand } from './commands/recipes';
import { summaryCommand } from './commands/summary';
import { trainCommand } from './commands/train';
import { inOurWords } from './shared/errors';

const { version } = createRequire(import.meta.url)('tfjs-spikingformer/package.json');

export const program = new Command('spikingformer')
  .description('Spiking transformers in TensorFlow.js: inspect models, train, check this machine.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help, or that of a command')
  .helpCommand('help [command]', 'print the help of a command')
  .configureOutput({ outputError: (text, write) => write(`${inOurWords(text)}\n`) })
  .enablePositionalOptions() // `native install` has its own --version.
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  spikingformer summary                              the names of the presets
  spikingformer summary spikingformer-4-256-cifar10  its layers and parameters
  spikingformer energy ./model --data cifar10        energy and firing rates
  spikingformer datasets prepare cifar10             download and check data
  spikingformer train --recipe mnist-tiny            after Ctrl-C: --resume
  spikingformer train --data ./mine                  a folder of your own images
  spikingformer init flowers                         a project of your own
  spikingformer evaluate runs/mnist-tiny             accuracy, class by class
  spikingformer convert checkpoint.pth.tar ./model   PyTorch weights to tfjs
  spikingformer quantize ./model --to int8           a quarter of the bytes
  spikingformer doctor                               what works on this machine

Exit status: 0 done, 1 failed, 2 usage error, 130 stopped by Ctrl-C, 143 by
SIGTERM, 129 by SIGHUP.`,
  );

// A command's code, and tfjs with it, is loaded when the command runs, so that help appears at once.
for (const define of [
  summaryCommand,
  doctorCommand,
  energyCommand,
  trainCommand,
  recipesCommand,
  evaluateCommand,
  predictCommand,
  compareCommand,
  convertCommand,
  quantizeCommand,
  datasetsCommand,
  nativeCommand,
  initCommand,
]) {
  define(program);
}
