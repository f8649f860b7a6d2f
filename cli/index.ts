#!/usr/bin/env node
/** `spikingformer`, the command: parses the arguments, runs one command, sets the exit status. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { exitCode, oneLine, UsageError } from './_errors';

const { version } = createRequire(import.meta.url)('tfjs-spikingformer/package.json');

const program = new Command('spikingformer')
  .description('Spiking transformers in TensorFlow.js: look at models, check this machine.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help, or that of a command')
  .helpCommand('help [command]', 'print the help of a command')
  .configureOutput({ outputError: (text, write) => write(`${oneLine(text)}\n`) })
  .enablePositionalOptions() // `native install` has a --version of its own
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  spikingformer summary                              the names of the presets
  spikingformer summary spikingformer-4-256-cifar10  its layers and parameters
  spikingformer summary ./model/model.json           the same of a saved model
  spikingformer doctor                               what works on this machine, proven by running it

Exit status: 0 done, 1 failed, 2 asked wrongly.`,
  );

// A command's code, and tfjs with it, is loaded when the command runs: help comes at once.
program
  .command('summary')
  .description('print the layers and parameters of a preset or a saved model')
  .argument('[model]', 'a preset, or the path of a model.json or its directory; none: list presets')
  .option('--json', 'print the totals as JSON')
  .addHelpText(
    'after',
    `
For a preset the parameters are given twice: as built, and with the two LayerNorms that each block
of the authors' PyTorch code creates and never uses, which their published counts include.`,
  )
  .action(async (model: string | undefined, options: { json?: boolean }) => {
    await (await import('./summary')).summary(model, options);
  });

program
  .command('doctor')
  .description('check Node, TensorFlow.js, its backends and the kernels of this library')
  .option('--json', 'print the findings as JSON')
  .addHelpText(
    'after',
    `
Each backend is started and has to multiply matrices, run a spiking neuron and train a convolution.
Run it in your project's directory: it looks for copies of TensorFlow.js there.
Exit status 1 when something needs your attention.`,
  )
  .action(async (options: { json?: boolean }) => {
    const healthy = await (await import('./doctor')).doctor(options);
    if (!healthy) process.exitCode = exitCode.failure;
  });

const native = program
  .command('native')
  .description("fit tfjs-node to today's TensorFlow, with this library's ops: the fastest in Node");

native
  .command('install')
  .description(
    'build tfjs-node and the ops for a TensorFlow that it finds or fetches, and prove them',
  )
  .option('--tensorflow <path>', 'a Python, its environment, or its tensorflow package')
  .option('--version <release>', 'the TensorFlow to find or to fetch, such as 2.21.0')
  .option(
    '--gpu',
    'fit @tensorflow/tfjs-node-gpu; it needs an environment with tensorflow[and-cuda]',
  )
  .option('--force', 'build anew what is already in place')
  .addHelpText(
    'after',
    `
Run it in a project that has @tensorflow/tfjs-node: npm install --ignore-scripts gets that without its
own download. TensorFlow is taken from --tensorflow, the active Python environment or the cache, or
fetched by pip, with the index that it is set up for. Needs a C++17 compiler; says what else before it
starts. tfjs-node is replaced only when the new one has computed; \`native remove\` puts it back.`,
  )
  .action(async (options: import('./native').InstallArguments) => {
    await (await import('./native')).install(options);
  });

native
  .command('remove')
  .description('put tfjs-node back as it was')
  .option('--gpu', 'of @tensorflow/tfjs-node-gpu')
  .action(async (options: { gpu?: boolean }) => {
    await (await import('./native')).remove(options);
  });

try {
  if (process.argv.length <= 2) program.help();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    console.error(`error: ${oneLine(error)}`);
    process.exitCode = error instanceof UsageError ? exitCode.usage : exitCode.failure;
  }
}
