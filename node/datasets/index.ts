/** Data sets from files: prepared, checked, and as samples by index or `tf.data.Dataset`s. */

export type { SkippedSample } from './_frames_manifest';
export { type CheckOptions, checkDataset, type DatasetReport } from './check';
export { cifar10 } from './cifar10';
export { cifar10dvs } from './cifar10dvs';
export { cifar100 } from './cifar100';
export type { Dataset, SplitOptions } from './dataset';
export type { FileHash } from './download';
export { dvs128Gesture } from './dvs128_gesture';
export type { CacheOptions, EventDataset, EventOptions } from './event_set';
export { imagenet } from './imagenet';
export type { Archive, DatasetInfo, PackagedFiles, Split } from './info';
export { mnist } from './mnist';
export { nmnist } from './nmnist';
export { kindOfOwnData, type LeftOut } from './own/listing';
export type { OwnSplit } from './own/own_data';
export {
  type FindOwnDataOptions,
  type FoundOwnData,
  findOwnData,
  openOwnSplit,
} from './own/recipe';
export type { Size } from './own/recording';
export type { Survey } from './own/survey';
export { ManualDownloadError, type PrepareOptions, prepareDataset } from './prepare';
export { ratedSentences, type SentenceDataset } from './rated_sentences';
export { type DatasetEntry, type DatasetName, datasetEntry, datasetNames } from './registry';
