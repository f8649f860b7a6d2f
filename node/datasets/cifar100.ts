/** CIFAR-100 (Krizhevsky, 2009), binary version: 60,000 images of 32 x 32 in a hundred classes. */

import { readCifar100 } from '../../datasets/cifar';
import { dataSets } from '../../datasets/data_sets';
import { type Dataset, imageDataset, type SplitOptions } from './dataset';
import type { DatasetInfo } from './info';

export const cifar100Info: DatasetInfo = {
  name: 'cifar100',
  title: 'CIFAR-100 (Krizhevsky, 2009)',
  home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  terms: 'no licence stated; the authors ask for a citation',
  classNames: [
    ...['apple', 'aquarium_fish', 'baby', 'bear', 'beaver', 'bed', 'bee', 'beetle', 'bicycle'],
    ...['bottle', 'bowl', 'boy', 'bridge', 'bus', 'butterfly', 'camel', 'can', 'castle'],
    ...['caterpillar', 'cattle', 'chair', 'chimpanzee', 'clock', 'cloud', 'cockroach', 'couch'],
    ...['crab', 'crocodile', 'cup', 'dinosaur', 'dolphin', 'elephant', 'flatfish', 'forest', 'fox'],
    ...['girl', 'hamster', 'house', 'kangaroo', 'keyboard', 'lamp', 'lawn_mower', 'leopard'],
    ...['lion', 'lizard', 'lobster', 'man', 'maple_tree', 'motorcycle', 'mountain', 'mouse'],
    ...['mushroom', 'oak_tree', 'orange', 'orchid', 'otter', 'palm_tree', 'pear', 'pickup_truck'],
    ...['pine_tree', 'plain', 'plate', 'poppy', 'porcupine', 'possum', 'rabbit', 'raccoon', 'ray'],
    ...['road', 'rocket', 'rose', 'sea', 'seal', 'shark', 'shrew', 'skunk', 'skyscraper', 'snail'],
    ...['snake', 'spider', 'squirrel', 'streetcar', 'sunflower', 'sweet_pepper', 'table', 'tank'],
    ...['telephone', 'television', 'tiger', 'tractor', 'train', 'trout', 'tulip', 'turtle'],
    ...['wardrobe', 'whale', 'willow_tree', 'wolf', 'woman', 'worm'],
  ],
  samples: dataSets.cifar100.samples,
  archives: [
    {
      file: 'cifar-100-binary.tar.gz',
      urls: ['https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz'],
      hash: {
        algorithm: 'sha256',
        digest: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
      },
      maxBytes: 2e8,
      place: (path) => /(?:^|\/)((?:train|test)\.bin)$/.exec(path)?.[1] ?? null,
      files: 2,
    },
  ],
  sha256: {
    'train.bin': 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29',
    'test.bin': 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a',
  },
  layout: 'train.bin and test.bin',
};

/** One split with the fine classes, in memory: 154 or 31 MB. See cifar10. */
export function cifar100(options: SplitOptions): Promise<Dataset> {
  return imageDataset(cifar100Info, options, {
    files: { train: ['train.bin'], test: ['test.bin'] },
    parse: readCifar100,
  });
}
