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
      "fit tfjs-node to today's TensorFlow, with this library's ops: the fastest in Node",
    );

  native
    .command('install')
    .description(
      'build tfjs-node and the ops for a TensorFlow that it finds or fetches, and prove them',
    )
    .option('--tensorflow <path>', 'a Python, its environment, or its tensorflow package')
    .addOption(
      new Option('--version <release>', 'the TensorFlow to find or to fetch, such as 2.21.0')
        .argParser(release)
        .conflicts('tensorflow'),
    )
    .option(
      '--gpu',
      'fit @tensorflow/tfjs-node-gpu, and fetch CUDA with TensorFlow (3 GB) if no environment has both',
    )
    .option('--force', 'build anew what is already in place')
    .addOption(
      new Option(
        '--mpi',
        "build instead what training on several machines needs, with the system's mpicxx",
      ).conflicts(['tensorflow', 'version', 'gpu']),
    )
    .addHelpText(
      'after',
      `
Run it in a project that has @tensorflow/tfjs-node: npm install --ignore-scripts
gets that without its own download. TensorFlow is taken from --tensorflow, the
active Python environment or the cache, or fetched by pip, with the index that
it is set up for. Needs a C++17 compiler; prints what else before it starts.
tfjs-node is replaced only when the new one has computed; \`native remove\` puts
it back.`,
    )
    .action(async (options) => (await import('../native')).install(options));

  native
    .command('remove')
    .description('put tfjs-node back as it was')
    .option('--gpu', 'of @tensorflow/tfjs-node-gpu')
    .action(async (options) => (await import('../native')).remove(options));
}
