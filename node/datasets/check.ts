/** Checks a data set: compares files with their hashes, counts samples, and reads every one. */
import { join } from 'node:path';
import { checkKeys } from '../../lib/validate';
import { changedFiles, readReceipt } from './_receipt';
import type { Dataset } from './dataset';
import { wrongHash } from './download';
import { checkFramesCaches } from './frames_cache';
import { datasetRoot, type Split } from './info';
import { type DatasetEntry, datasetEntry, openPlainly } from './registry';

/** Options of `checkDataset`. */
export interface CheckOptions {
  /** The data set's folder. Default: as prepareDataset has it. */
  root?: string;
  /** Whether to accept fewer samples than the whole data set has. Default false. */
  partial?: boolean;
  /** Called with `done` of `total` files or samples. */
  onProgress?: (doing: string, done: number, total: number) => void;
}

/** What `checkDataset` found. */
export interface DatasetReport {
  name: string;
  root: string;
  /** Number of samples that could be read. */
  samples: Record<Split, number>;
  /** Number of files whose hash was compared with that of the publisher or of the unpacked archive. */
  hashed: number;
  /** Folders of cached frames, all complete unless a problem is reported. */
  caches: string[];
  /** The problems found, one line each; empty if there are none. */
  problems: string[];
}

/** Checks everything. Throws only if there is no data set of that name. */
export async function checkDataset(
  name: string,
  options: CheckOptions = {},
): Promise<DatasetReport> {
  checkKeys('checkDataset', options, ['root', 'partial', 'onProgress']);
  return checkEntry(datasetEntry(name), options);
}

export async function checkEntry(
  entry: DatasetEntry,
  options: CheckOptions,
): Promise<DatasetReport> {
  const { onProgress, partial } = options;
  const { info } = entry;
  const root = datasetRoot(info.name, options.root);
  const report: DatasetReport = {
    name: info.name,
    root,
    samples: { train: 0, test: 0 },
    hashed: 0,
    caches: [],
    problems: [],
  };
  for (const [file, digest] of Object.entries(info.sha256 ?? {})) {
    const wrong = await wrongHash(join(root, file), { algorithm: 'sha256', digest }).catch(
      (error: Error) => `cannot be read: ${error.message}`,
    );
    if (wrong === null) report.hashed++;
    else report.problems.push(`${file} ${wrong}`);
  }
  for (const archive of info.sha256 ? [] : info.archives) {
    const receipt = await readReceipt(root, archive);
    if (receipt === null) continue; // unpacked by hand: what can be said is said below
    let done = 0;
    const total = Object.keys(receipt.files).length;
    const changed = await changedFiles(root, receipt, () =>
      onProgress?.(`files of ${archive.file}`, ++done, total),
    );
    report.hashed += total - changed.length;
    report.problems.push(...changed.map((file) => `${file} has changed since it was unpacked`));
  }
  for (const split of ['train', 'test'] as const) {
    try {
      const samples = await openPlainly(entry, { split, root, partial });
      const problems = await readAll(samples, (done) =>
        onProgress?.(`${split} samples`, done, samples.length),
      );
      report.samples[split] = samples.length - problems.length;
      report.problems.push(...problems);
    } catch (error) {
      report.problems.push((error as Error).message);
    }
  }
  for (const { path, problems } of await checkFramesCaches(join(root, 'frames'))) {
    report.caches.push(path);
    report.problems.push(...problems.map((problem) => `${path}: ${problem}`));
  }
  return report;
}

async function readAll(dataset: Dataset, onSample: (done: number) => void): Promise<string[]> {
  const problems: string[] = [];
  for (let i = 0; i < dataset.length; i++) {
    try {
      await dataset.read(i);
    } catch (error) {
      problems.push((error as Error).message);
    }
    onSample(i + 1);
  }
  return problems;
}
