#!/usr/bin/env node
/** `spikingformer`, the command: parses the arguments, runs one command, sets the exit status. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { exitCode, oneLine, statusOf } from './_errors';
import { failOnLostOutput, surviveLostOutput } from './_output';

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
  spikingformer energy ./model --data cifar10        energy and firing rates, layer by layer
  spikingformer train --recipe mnist-tiny            train, stop with Ctrl-C, go on with --resume
  spikingformer convert checkpoint.pth.tar ./model   PyTorch's weights as a tfjs model, or the reverse
  spikingformer datasets prepare cifar10             gets a data set and checks it
  spikingformer doctor                               what works on this machine, proven by running it

Exit status: 0 done, 1 failed, 2 asked wrongly, 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.`,
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

program
  .command('energy')
  .description('firing rates, operations and energy of a model, beside the same without spikes')
  .argument('<model>', 'a preset, or the path of a model.json or its directory')
  .option('--data <what>', 'a data set by name, or a CIFAR .bin, idx3-ubyte, .aedat, .safetensors')
  .option('--rates <file>', 'firing rates by layer path as JSON, instead of running the model')
  .option('--samples <n>', 'how many samples of the data', '16')
  .option('--seed <n>', 'of the noise that stands in for data', '0')
  .option(
    '--assumptions <name>',
    "'spikingformer': 4.6 pJ a MAC, 0.9 pJ an AC; or 'int8'",
    'spikingformer',
  )
  .option('--memory <name>', 'count accesses too, to sram-8k, sram-32k, sram-1m or dram')
  .option('--whole-numbers <kind>', "sums of spikes count as 'mac' or 'ac'", 'mac')
  .option('--attention-heads <n>', "heads that attention is counted with, if not the model's")
  .option('--svg <file>', 'write the picture there')
  .option('--json', 'print all of it as JSON')
  .action(async (model: string, options: import('./energy').EnergyArguments) => {
    await (await import('./energy')).energy(model, options);
  });

program
  .command('train')
  .description('train a network by a recipe; a killed run goes on where its last checkpoint was')
  .option('--recipe <name>', "one of the package's recipes, or the path of a .yaml file")
  .option('--out <dir>', 'folder of the run (default: runs/<recipe>)')
  .option('--resume', 'go on with the run in --out, from its newest whole checkpoint')
  .option('--inexact', 'resume on another backend or other threads: not the same to the bit')
  .option(
    '--set <key=value>',
    'change the recipe, such as optimizer.learningRate=1e-3; may be repeated',
    (value: string, before: string[] = []) => [...before, value],
  )
  .option('--epochs <n>', "stop after so many epochs; the schedule stays the recipe's")
  .option('--backend <name>', 'wasm, cpu or tensorflow (default: the fastest there is)')
  .option('--data <dir>', "the data set's folder (default: where `datasets prepare` puts it)")
  .option('--workers <n>', 'threads that read and augment samples (default: none besides this one)')
  .option('--json', 'an object a line on stdout for every epoch')
  .addHelpText(
    'after',
    `
The run's folder gets metrics.csv, steps.csv, events for TensorBoard, checkpoints, model/ (a plain
tfjs model) and report.html. Ctrl-C, SIGTERM and SIGHUP finish the step, keep a checkpoint, print how to
go on, and exit with 130, 143 or 129. --resume continues as if nothing had happened, bit for bit on the
same backend. A closed or full stdout does not end the run. One process at a time has the folder.

Examples:
  spikingformer train --recipe mnist-tiny
  spikingformer train --recipe cifar10-4-384 --backend tensorflow --out runs/paper
  spikingformer train --resume --out runs/paper
  spikingformer recipes                                what recipes there are`,
  )
  .action(async (options: import('./train').TrainArguments) => {
    await (await import('./train')).train(options);
  });

program
  .command('recipes')
  .description("list the package's recipes, or print one")
  .argument('[name]', 'the recipe to print')
  .action(async (name?: string) => {
    await (await import('./recipes')).recipes(name);
  });

program
  .command('evaluate')
  .description("measure a run's or a model's accuracy on held-out samples")
  .argument('<run>', 'the folder of a run, or with --recipe of a saved model')
  .option('--recipe <name>', 'whose data a saved model is measured on')
  .option('--checkpoint <which>', "of a run: 'final', 'best' or 'newest'", 'final')
  .option('--samples <n>', 'only so many of the held-out samples')
  .option('--backend <name>', 'wasm, cpu or tensorflow (default: the fastest there is)')
  .option('--data <dir>', "the data set's folder")
  .option('--json', 'print the result as JSON, with the confusion matrix')
  .action(async (run: string, options: import('./evaluate').EvaluateArguments) => {
    await (await import('./evaluate')).evaluateCommand(run, options);
  });

program
  .command('predict')
  .description("what a run's model takes samples for")
  .argument('<run>', 'the folder of a run')
  .argument('[file]', 'a CIFAR .bin, idx3-ubyte, .aedat or .safetensors; none: held-out samples')
  .option('--count <n>', 'how many samples', '10')
  .option('--checkpoint <which>', "'final', 'best' or 'newest'", 'final')
  .option('--backend <name>', 'wasm, cpu or tensorflow (default: the fastest there is)')
  .option('--data <dir>', "the data set's folder")
  .option('--json', 'print probabilities of all classes as JSON')
  .action(async (run: string, file: string, options: import('./predict').PredictArguments) => {
    await (await import('./predict')).predict(run, file, options);
  });

program
  .command('compare')
  .description("set a run beside the authors' log: a table, and a picture")
  .argument('<run>', 'the folder of a run')
  .option('--recipe <name>', "whose log to compare with (default: the run's own)")
  .option('--svg <file>', 'where the picture goes (default: compare.svg in the run)')
  .option('--json', 'print the table as JSON')
  .action(async (run: string, options: import('./compare').CompareArguments) => {
    await (await import('./compare')).compare(run, options);
  });

program
  .command('convert')
  .description('carry weights between PyTorch checkpoints, safetensors and tfjs model files')
  .argument('<in>', 'a .pth, .pth.tar, .pt, .bin or .safetensors; or a model.json or its directory')
  .argument('<out>', 'the same; a name without ending is a directory for a tfjs model')
  .option('--preset <name>', 'the network, where its shapes fit several presets')
  .option('--config <json>', 'what neither preset nor checkpoint says, as \'{"numHeads": 8}\'')
  .option('--ema', 'take the averaged weights, state_dict_ema')
  .option('--strict', 'refuse tensors that the network does not know')
  .option('--force', 'replace what is at <out>')
  .option('--ignore-unknown-classes', 'take unknown classes beside the weights for empty records')
  .option('--json', 'print what was done as JSON')
  .addHelpText(
    'after',
    `
Sizes are read off the shapes; heads, time steps and tau come from --config, --preset or the args in
the checkpoint. A .pth.tar is written as timm's, with state_dict; that of a network for events as the
authors' event scripts', with model; a .bin holds the weights alone. Nothing in a checkpoint is executed.`,
  )
  .action(async (input: string, output: string, options: import('./convert').ConvertArguments) => {
    await (await import('./convert')).convert(input, output, options);
  });

const datasets = program.command('datasets').description('get, check and look at data sets');

datasets
  .command('list')
  .description('the data sets, where they come from, and on what terms')
  .option('--json', 'all that is known of them, as JSON')
  .action(async (options) => (await import('./datasets')).list(options));

datasets
  .command('prepare')
  .description('download, verify and unpack a data set, or say which file to put where')
  .argument('<name>', 'mnist, cifar10, ...: see `datasets list`')
  .option(
    '--root <folder>',
    'where it goes (default: $SPIKINGFORMER_DATA/NAME, or the cache folder)',
  )
  .option('--mirror <address>', 'a folder on the web that has the archives, tried first')
  .option('--frames <n>', 'of events: make this many frames a sample, and keep them')
  .option(
    '--split-by <what>',
    'frames of equal number of events, or of equal time (default: number)',
  )
  .option('--duration <us>', 'of events: frames of so many microseconds instead')
  .option('--skip-damaged', 'leave recordings that cannot be read out of the frames')
  .addHelpText(
    'after',
    '\nInterrupted, it goes on where it was. What is there is not fetched again.',
  )
  .action(async (name: string, options: import('./datasets').PrepareArguments) => {
    await (await import('./datasets')).prepare(name, options);
  });

datasets
  .command('check')
  .description('compare files with their hashes, count and read every sample')
  .argument('<name>', 'a data set that has been prepared')
  .option('--root <folder>', 'where it is')
  .option('--json', 'print the report as JSON')
  .action(async (name: string, options: { root?: string; json?: boolean }) => {
    const sound = await (await import('./datasets')).check(name, options);
    if (!sound) process.exitCode = exitCode.failure;
  });

datasets
  .command('show')
  .description('write a page of samples, as they are and augmented')
  .argument('<name>', 'a data set that has been prepared')
  .option('--root <folder>', 'where it is')
  .option('--split <name>', 'train or test', 'train')
  .option('--count <n>', 'how many samples', '12')
  .option('--seed <n>', 'which samples, and how they are augmented', '0')
  .option('--frames <n>', 'of events: frames a sample', '8')
  .option('--out <file>', 'the page (default: NAME-SPLIT.html)')
  .action(async (name: string, options: import('./datasets').ShowArguments) => {
    await (await import('./datasets')).show(name, options);
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
    'fit @tensorflow/tfjs-node-gpu, and fetch CUDA with TensorFlow (3 GB) where no environment has both',
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
