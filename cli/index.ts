#!/usr/bin/env node
/** `spikingformer`, the command: parses the arguments, runs one command, sets the exit status. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { exitCode, inOurWords, oneLine, statusOf } from './_errors';
import { failOnLostOutput, surviveLostOutput } from './_output';
import { compareCommand } from './commands/compare';
import { convertCommand } from './commands/convert';
import { datasetsCommand } from './commands/datasets';
import { doctorCommand } from './commands/doctor';
import { energyCommand } from './commands/energy';
import { evaluateCommand } from './commands/evaluate';
import { nativeCommand } from './commands/native';
import { predictCommand } from './commands/predict';
import { recipesCommand } from './commands/recipes';
import { summaryCommand } from './commands/summary';
import { trainCommand } from './commands/train';

const { version } = createRequire(import.meta.url)('tfjs-spikingformer/package.json');

const program = new Command('spikingformer')
  .description('Spiking transformers in TensorFlow.js: look at models, check this machine.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help, or that of a command')
  .helpCommand('help [command]', 'print the help of a command')
  .configureOutput({ outputError: (text, write) => write(`${inOurWords(text)}\n`) })
  .enablePositionalOptions() // `native install` has a --version of its own
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  spikingformer summary                              the names of the presets
  spikingformer summary spikingformer-4-256-cifar10  its layers and parameters
  spikingformer summary ./model/model.json           the same of a saved model
  spikingformer energy ./model --data cifar10        energy and firing rates, layer by layer
  spikingformer train --recipe mnist-tiny            train, stop with Ctrl-C, go on with --resume
  spikingformer convert checkpoint.pth.tar ./model   PyTorch's weights as a tfjs model, or the reverse
  spikingformer datasets prepare cifar10             gets a data set and checks it
  spikingformer doctor                               what works on this machine, proven by running it

Exit status: 0 done, 1 failed, 2 asked wrongly, 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.`,
  );

// A command's code, and tfjs with it, is loaded when the command runs: help comes at once.
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
  datasetsCommand,
  nativeCommand,
]) {
  define(program);
}

surviveLostOutput();
program.hook('preAction', (_, command) => failOnLostOutput(command.name()));

try {
  if (process.argv.length <= 2) program.help();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    console.error(`error: ${oneLine(error)}`);
    process.exitCode = statusOf(error);
  }
}
