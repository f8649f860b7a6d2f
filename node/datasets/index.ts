/** Data sets from files: prepared, checked, and as samples by index or `tf.data.Dataset`s. */
export type { Dataset, SplitOptions } from './_dataset';
export type { CacheOptions, EventDataset, EventOptions } from './_events';
export type { SkippedSample } from './_frames_manifest';
export type { Archive, DatasetInfo, Split } from './_info';
export { type CheckOptions, checkDataset, type DatasetReport } from './check';
export { cifar10 } from './cifar10';
export { cifar10dvs } from './cifar10dvs';
export { cifar100 } from './cifar100';
export type { FileHash } from './download';
export { dvs128Gesture } from './dvs128_gesture';
export { imagenet } from './imagenet';
export { mnist } from './mnist';
export { nmnist } from './nmnist';
export { ManualDownloadError, type PrepareOptions, prepareDataset } from './prepare';
export { type DatasetEntry, type DatasetName, datasetEntry, datasetNames } from './registry';
