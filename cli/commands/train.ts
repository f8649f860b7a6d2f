/** `spikingformer train`. */
import { type Command, Option } from 'commander';
import {
  backendOption,
  dataFolderOption,
  jsonOption,
  MODEL_WITH_WEIGHTS,
  names,
  partialOption,
  repeated,
  share,
  sides,
  wholeNumber,
  withModelOptions,
} from '../_arguments';

export const trainCommand = (program: Command) =>
  withModelOptions(program.command('train'))
    .description('train a network by a recipe; a killed run resumes from its last checkpoint')
    .option('--recipe <name>', "one of the package's recipes, or the path of a .yaml file")
    .option('--out <dir>', 'folder of the run (default: runs/<recipe>)')
    .option('--resume', 'continue the run in --out, from its newest complete checkpoint')
    .option('--inexact', 'resume on another backend or other threads, with other last bits')
    .option(
      '--set <key=value>',
      'change the recipe, such as optimizer.learningRate=1e-3; may be repeated',
      repeated,
    )
    .option(
      '--epochs <n>',
      "stop after this many epochs; the schedule stays the recipe's",
      wholeNumber(1),
    )
    .addOption(backendOption())
    .option(
      '--teacher <model>',
      'trained model that distillation learns from: a run, a saved model or a checkpoint file',
    )
    .option(
      '--teacher-outputs <dir>',
      "folder to keep the teacher's outputs in, so that it need not run again",
    )
    .addOption(dataFolderOption())
    .option('--split <share>', 'of your own data: how much of each class is held out', share)
    .option('--size <pixels>', 'of your own data: side, or HEIGHTxWIDTH (default: found)', sides)
    .option('--classes <names>', 'of your own data: only these class folders, in order', names)
    .option('--from <model>', `begin with the weights of ${MODEL_WITH_WEIGHTS}`)
    .option('--freeze <layers>', 'layers that do not learn, such as tokenizer,block1', names)
    .addOption(
      new Option(
        '--precision <type>',
        'of the gradients of inputs; bfloat16 is faster on tensorflow with AMX or AVX512-BF16',
      ).choices(['float32', 'bfloat16']),
    )
    .addOption(partialOption())
    .option(
      '--workers <n>',
      'threads that read and augment samples, besides this one',
      wholeNumber(0, 256),
      0,
    )
    .option(
      '--sync-bn',
      'with several processes: batch norms over the batches of all of them, not of each',
    )
    .addOption(jsonOption('print one JSON object per epoch on stdout'))
    .addHelpText(
      'after',
      `
The run's folder gets metrics.csv, steps.csv, events for TensorBoard,
checkpoints, model/ (a plain tfjs model) and report.html. Ctrl-C, SIGTERM and
SIGHUP finish the step, save a checkpoint, print how to continue, and exit with
130, 143 or 129. --resume continues as if never interrupted, bit for bit on
the same backend. A closed or full stdout does not end the run. Only one process
at a time can use the folder.

Under mpirun or srun the processes share the batches of each step, whose size
and learning rate stay the recipe's. This needs native install --mpi first.
A process that fails ends all. The first process prints and saves for all.

--data without --recipe names a folder of your own: a folder of images or event
recordings for each class, in train/ and val/ or not. See docs/own_data.md.

Examples:
  spikingformer train --recipe mnist-tiny
  spikingformer train --data ./flowers --split 0.2 --out runs/flowers
  spikingformer train --data ./trees --from runs/flowers --freeze tokenizer
  spikingformer train --recipe cifar10-4-384 --out runs/paper --workers 2
  spikingformer train --resume --out runs/paper
  mpirun -np 8 npx spikingformer train --recipe imagenet-8-768
  spikingformer train --recipe cifar10-tiny --teacher runs/large \\
    --set distillation.softLabels.temperature=4
  spikingformer recipes                            list the recipes`,
    )
    .action(async (options) => (await import('../train')).train(options));
