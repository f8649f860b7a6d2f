/** `spikingformer native`. */
import { type Command, InvalidArgumentError, Option } from 'commander';

function release(text: string): string {
  if (/^\d+\.\d+\.\d+(rc\d+)?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a release such as 2.21.0.');
}

export function nativeCommand(program: Command): void {
  const native = program
    .command('native')
    .description(
      "build tfjs-node for a current TensorFlow, with this library's ops: the fastest in Node",
    );

  native
    .command('install')
    .description(
      'build tfjs-node and the ops for a TensorFlow that it finds or fetches, and test them',
    )
    .option('--tensorflow <path>', 'a Python, its environment, or its tensorflow package')
    .addOption(
      new Option('--version <release>', 'the TensorFlow to find or to fetch, such as 2.21.0')
        .argParser(release)
        .conflicts('tensorflow'),
    )
    .option(
      '--gpu',
      'build for @tensorflow/tfjs-node-gpu, and fetch CUDA with TensorFlow (3 GB) if no environment has both',
    )
    .option('--force', 'rebuild what is already in place')
    .addOption(
      new Option(
        '--mpi',
        "instead, build what training on several machines needs, with the system's mpicxx",
      ).conflicts(['tensorflow', 'version', 'gpu']),
    )
    .addHelpText(
      'after',
      `
Run it in a project that has @tensorflow/tfjs-node: npm install --ignore-scripts
installs it without its download. TensorFlow comes from --tensorflow, the
active Python environment or the cache, or is fetched by pip from the index that
it is configured for. Needs a C++17 compiler; prints missing requirements first.
tfjs-node is replaced only after the new one has passed a test; \`native remove\`
restores it.`,
    )
    .action(async (options) => (await import('../native')).install(options));

  native
    .command('remove')
    .description('restore the original tfjs-node')
    .option('--gpu', 'of @tensorflow/tfjs-node-gpu')
    .action(async (options) => (await import('../native')).remove(options));
}
