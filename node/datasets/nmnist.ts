/** N-MNIST (Orchard et al., 2015, arXiv 1507.07629): MNIST seen by a moving ATIS, 34 x 34. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { dataSets } from '../../datasets/data_sets';
import type { Events } from '../../datasets/events';
import { readNMnist } from '../../datasets/nmnist';
import type { SplitOptions } from './dataset';
import { classFolders, type EventDataset, type EventOptions, eventDataset } from './event_set';
import type { Recordings } from './frames_cache';
import type { Archive, DatasetInfo } from './info';

const classNames = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const FOLDER = { train: 'Train', test: 'Test' } as const;

function archive(folder: string, file: string, md5: string, files: number): Archive {
  const wanted = new RegExp(`(?:^|/)(${folder}/[0-9]/\\d+\\.bin)$`);
  return {
    file: `${folder}.zip`,
    urls: [
      `https://data.mendeley.com/public-files/datasets/468j46mzdv/files/${file}/file_downloaded`,
    ],
    hash: { algorithm: 'md5', digest: md5 },
    place: (path) => wanted.exec(path)?.[1] ?? null,
    files,
  };
}

export const nMnistInfo: DatasetInfo = {
  name: 'nmnist',
  title: 'N-MNIST (Orchard et al., 2015)',
  home: 'https://www.garrickorchard.com/datasets/n-mnist',
  terms: 'CC BY-SA 4.0',
  classNames,
  samples: dataSets.nmnist.samples,
  archives: [
    archive(
      'Train',
      '39c25547-014b-4137-a934-9d29fa53c7a0',
      '20959b8e626244a1b502305a9e6e2031',
      60_000,
    ),
    archive(
      'Test',
      '05a4d654-7e03-4c15-bdfa-9bb2bcbea494',
      '69ca8762b2fe404d9b9bad1103e97832',
      10_000,
    ),
  ],
  layout: 'Train/0/00002.bin and so on: ten folders each in Train and in Test',
};

/**
 * Frames `[T, 34, 34, 2]` of one split. The first call with a setting makes the frames and caches them.
 *
 * ```ts
 * const train = await nmnist({split: 'train', frames: 10, splitBy: 'time'});
 * ```
 */
export function nmnist(options: EventOptions): Promise<EventDataset> {
  return eventDataset(nMnistInfo, options, list);
}

export function parseNMnist(bytes: Uint8Array): Events {
  return readNMnist(bytes, { nonMonotonic: 'keep' });
}

async function list(root: string, { split }: SplitOptions): Promise<Recordings> {
  const folders = classNames.map((digit) => `${FOLDER[split]}/${digit}`);
  const files = await classFolders(nMnistInfo, root, folders, /\.bin$/);
  return {
    source: { dataset: 'nmnist', split, nonMonotonic: 'keep' },
    files,
    samples: files.map(({ path, label }) => ({ name: path, label })),
    async readEvents(index) {
      return parseNMnist(await fs.readFile(join(root, files[index].path)));
    },
  };
}
