/** `spikingformer doctor`. */
import type { Command } from 'commander';
import { jsonOption } from '../_arguments';
import { exitCode } from '../shared/errors';

export const doctorCommand = (program: Command) =>
  program
    .command('doctor')
    .description('check Node, TensorFlow.js, its backends and the kernels of this library')
    .addOption(jsonOption('print the findings as JSON'))
    .addHelpText(
      'after',
      `
Starts each backend and has it multiply matrices, run a spiking neuron and
train a convolution. Run it in your project's directory: it looks for copies of
TensorFlow.js there. The exit status is 1 if something needs your attention.`,
    )
    .action(async (options) => {
      const healthy = await (await import('../doctor')).doctor(options);
      if (!healthy) process.exitCode = exitCode.failure;
    });
