/** The data sets by name. */

import { readCifar10, readCifar100 } from '../../datasets/cifar';
import type { Events } from '../../datasets/events';
import { checkOneOf } from '../../lib/validate';
import { cifar10, cifar10Info } from './cifar10';
import { cifar10DvsInfo, cifar10dvs, parseCifar10Dvs } from './cifar10dvs';
import { cifar100, cifar100Info } from './cifar100';
import type { Dataset, SplitOptions } from './dataset';
import { dvs128Gesture, dvs128GestureInfo, parseDvsGesture } from './dvs128_gesture';
import type { EventDataset, EventOptions } from './event_set';
import { imagenet, imagenetInfo } from './imagenet';
import type { DatasetInfo } from './info';
import { mnist, mnistInfo, parseMnistImages } from './mnist';
import { nMnistInfo, nmnist, parseNMnist } from './nmnist';
import { ratedSentences, ratedSentencesInfo, type SentenceDataset } from './rated_sentences';

interface ImageEntry {
  kind: 'images';
  info: DatasetInfo;
  open: (options: SplitOptions) => Promise<Dataset>;
  /** The images in one of its files, `[images, height, width, channels]`; absent if each file is one image. */
  parse?: (bytes: Uint8Array) => { images: Uint8Array; shape: readonly number[] };
}

interface EventEntry {
  kind: 'events';
  info: DatasetInfo;
  open: (options: EventOptions) => Promise<EventDataset>;
  /** The events of one of its recordings, with the axes and polarity of its samples. */
  parse: (bytes: Uint8Array) => Events;
}

interface TextEntry {
  kind: 'text';
  info: DatasetInfo;
  open: (options: SplitOptions) => Promise<SentenceDataset>;
}

export type DatasetEntry = ImageEntry | EventEntry | TextEntry;

const entries = {
  mnist: { kind: 'images', info: mnistInfo, open: mnist, parse: parseMnistImages },
  cifar10: { kind: 'images', info: cifar10Info, open: cifar10, parse: readCifar10 },
  cifar100: { kind: 'images', info: cifar100Info, open: cifar100, parse: readCifar100 },
  imagenet: { kind: 'images', info: imagenetInfo, open: imagenet },
  nmnist: { kind: 'events', info: nMnistInfo, open: nmnist, parse: parseNMnist },
  cifar10dvs: { kind: 'events', info: cifar10DvsInfo, open: cifar10dvs, parse: parseCifar10Dvs },
  dvs128gesture: {
    kind: 'events',
    info: dvs128GestureInfo,
    open: dvs128Gesture,
    parse: parseDvsGesture,
  },
  ratedsentences: { kind: 'text', info: ratedSentencesInfo, open: ratedSentences },
} satisfies Record<string, DatasetEntry>;

export type DatasetName = keyof typeof entries;

export const datasetNames = Object.keys(entries) as DatasetName[];

/** @throws if there is no data set of that name */
export function datasetEntry(name: string): DatasetEntry {
  checkOneOf('name', name, datasetNames);
  return entries[name];
}

/** Opens a split without making or caching frames, for `prepare` and `check`. */
export function openPlainly(entry: DatasetEntry, options: SplitOptions): Promise<Dataset> {
  if (entry.kind !== 'events') return entry.open(options);
  return entry.open({ ...options, frames: 1, splitBy: 'number', cache: false });
}
