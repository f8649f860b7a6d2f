/**
 * CIFAR10-DVS (Li et al., 2017, Frontiers in Neuroscience 11:309): 10,000 AEDAT 2.0 recordings of a DVS128 that watched
 * moving CIFAR-10 images. It has no official split. As in SpikingJelly and papers that use it, the first 900 recordings
 * of each class (names sorted as text) are for training, the other 100 for testing.
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readAedat2 } from '../../datasets/aedat2';
import { dataSets } from '../../datasets/data_sets';
import type { Events } from '../../datasets/events';
import type { SplitOptions } from './dataset';
import { classFolders, type EventDataset, type EventOptions, eventDataset } from './event_set';
import type { Recordings } from './frames_cache';
import type { Archive, DatasetInfo } from './info';

/** File number at figshare and MD5 for each class. */
const classes: Readonly<Record<string, readonly [file: number, md5: string]>> = {
  airplane: [7712788, '0afd5c4bf9ae06af762a77b180354fdd'],
  automobile: [7712791, '8438dfeba3bc970c94962d995b1b9bdd'],
  bird: [7712794, 'a9c207c91c55b9dc2002dc21c684d785'],
  cat: [7712812, '52c63c677c2b15fa5146a8daf4d56687'],
  deer: [7712815, 'b6bf21f6c04d21ba4e23fc3e36c8a4a3'],
  dog: [7712818, 'f379ebdf6703d16e0a690782e62639c3'],
  frog: [7712842, 'cad6ed91214b1c7388a5f6ee56d08803'],
  horse: [7712851, 'e7cbbf77bec584ffbf913f00e682782a'],
  ship: [7712836, '41c7bd7d6b251be82557c6cce9a7d5c9'],
  truck: [7712839, '89f3922fd147d9aeff89e76a2b0b70a7'],
};
const classNames = Object.keys(classes);
const PER_CLASS = 1000;
const TRAIN_SHARE = 0.9;

export const cifar10DvsInfo: DatasetInfo = {
  name: 'cifar10dvs',
  title: 'CIFAR10-DVS (Li et al., 2017)',
  home: 'https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671',
  terms: 'CC BY 4.0',
  classNames,
  samples: dataSets.cifar10dvs.samples,
  archives: Object.entries(classes).map(([name, [file, md5]]): Archive => {
    const wanted = new RegExp(`(?:^|/)(${name}/cifar10_${name}_\\d+\\.aedat)$`);
    return {
      file: `${name}.zip`,
      urls: [`https://ndownloader.figshare.com/files/${file}`],
      hash: { algorithm: 'md5', digest: md5 },
      place: (path) => wanted.exec(path)?.[1] ?? null,
      files: PER_CLASS,
    };
  }),
  layout: 'airplane/cifar10_airplane_0.aedat and so on: 1000 recordings in each of ten folders',
};

/**
 * Frames `[T, 128, 128, 2]` by SpikingJelly's rules, with its axes and polarity. The first call with a setting makes
 * the frames (about a minute) and caches them.
 *
 * ```ts
 * const train = await cifar10dvs({split: 'train', frames: 16, splitBy: 'number'});
 * ```
 */
export function cifar10dvs(options: EventOptions): Promise<EventDataset> {
  return eventDataset(cifar10DvsInfo, options, list);
}

/** Events whose times step back keep their place, as in SpikingJelly. */
export function parseCifar10Dvs(bytes: Uint8Array): Events {
  return readAedat2(bytes, { sensor: 'dvs128', axes: 'cifar10dvs', nonMonotonic: 'keep' });
}

async function list(root: string, { split }: SplitOptions): Promise<Recordings> {
  const all = await classFolders(cifar10DvsInfo, root, classNames, /\.aedat$/);
  const files = classNames.flatMap((_, label) => {
    const ofClass = all.filter((file) => file.label === label);
    const border = Math.ceil(ofClass.length * TRAIN_SHARE);
    return split === 'train' ? ofClass.slice(0, border) : ofClass.slice(border);
  });
  return {
    source: { dataset: 'cifar10dvs', split, axes: 'cifar10dvs', nonMonotonic: 'keep' },
    files,
    samples: files.map(({ path, label }) => ({ name: path, label })),
    async readEvents(index) {
      return parseCifar10Dvs(await fs.readFile(join(root, files[index].path)));
    },
  };
}
