/** Data sets by names in common use: as papers write them, or as recipes do. */
import { didYouMean } from '../lib/did_you_mean';
import { type DatasetName, datasetNames } from '../node/datasets/registry';
import { UsageError } from './shared/errors';

/** Other names of the data sets, in lower-case letters and digits. */
const others: Readonly<Record<string, DatasetName>> = {
  dvs128: 'dvs128gesture',
  dvsgesture: 'dvs128gesture',
  gesture: 'dvs128gesture',
  imagenet1k: 'imagenet',
};

/** The data set with that name, if any: 'CIFAR10-DVS' is cifar10dvs, 'dvs128' is dvs128gesture. */
export function findDataset(name: string): DatasetName | undefined {
  const plain = name.toLowerCase().replace(/[ _-]/g, '');
  return datasetNames.find((known) => known === plain) ?? others[plain];
}

/** @throws UsageError that lists them if there is none with that name */
export function datasetNamed(name: string): DatasetName {
  const found = findDataset(name);
  if (found) return found;
  const near = didYouMean(name, [...datasetNames, ...Object.keys(others)]);
  throw new UsageError(
    `name must be a data set, one of ${datasetNames.join(', ')}, but got '${name}'${near}`,
  );
}
