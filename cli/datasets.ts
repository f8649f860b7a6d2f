/** `spikingformer datasets`: lists, downloads and checks data sets; `show` is in _contact_sheet.ts. */
import { resolve } from 'node:path';
import { checkDataset } from '../node/datasets/check';
import { datasetRoot, type Split } from '../node/datasets/info';
import { prepareDataset } from '../node/datasets/prepare';
import { type DatasetEntry, datasetEntry, datasetNames } from '../node/datasets/registry';
import { writeAtomically } from '../node/files/files';
import { beside } from './_columns';
import { contactSheet } from './_contact_sheet';
import { datasetNamed } from './_dataset_names';
import { UsageError } from './shared/errors';
import { abortOnInterrupt, Interrupt } from './shared/interrupt';
import { type Progress, showProgress } from './shared/progress';

/** The most problems that `check` prints. */
const SHOWN = 20;

export interface PlaceArguments {
  /** The data set's folder. */
  data?: string;
}

export interface PrepareArguments extends PlaceArguments {
  mirror?: string;
  frames?: number;
  splitBy?: 'number' | 'time';
  duration?: number;
  skipDamaged?: boolean;
}

export interface ShowArguments extends PlaceArguments {
  split: Split;
  samples: number;
  seed: number;
  frames: number;
  out?: string;
}

export function list({ json }: { json?: boolean }): void {
  const infos = datasetNames.map((name) => datasetEntry(name).info);
  if (json) {
    console.log(
      JSON.stringify(
        infos.map((info) => ({ ...info, folder: datasetRoot(info.name) })),
        null,
        2,
      ),
    );
    return;
  }
  const lines = infos.flatMap(({ name, title, samples, home, terms }) => [
    beside(name, 14, `${title}: ${samples.train} to train, ${samples.test} to test`),
    beside('', 0, `${home} (${terms})`),
  ]);
  console.log(lines.join('\n'));
}

export async function prepare(given: string, options: PrepareArguments): Promise<void> {
  const name = datasetNamed(given);
  const entry = datasetEntry(name);
  const settings = frameSettings(entry, options);
  const root = datasetRoot(name, options.data);
  const bars = new Bars();
  const signal = abortOnInterrupt();
  try {
    await prepareDataset(name, {
      root,
      signal,
      mirror: options.mirror,
      log: (line) => bars.log(line),
      onProgress: (doing, done, total) => bars.update(doing, done, total),
    });
    bars.stop();
    console.log(`${name} is in ${root}`);
    if (settings === null || entry.kind !== 'events') return;
    for (const split of ['train', 'test'] as const) {
      const onProgress = (done: number, total: number) =>
        bars.update(`${split} frames`, done, total);
      const damaged = options.skipDamaged ? 'skip' : 'error';
      const dataset = await entry.open({ ...settings, split, root, damaged, onProgress, signal });
      bars.stop();
      const { skipped } = dataset;
      for (const { name: sample, reason } of skipped) console.log(`left out: ${sample}: ${reason}`);
      console.log(`${dataset.length} ${split} samples of frames, ${skipped.length} left out`);
    }
  } catch (error) {
    if (!(error instanceof Interrupt)) throw error;
    throw new Interrupt(error.signal, 'run the same command to continue');
  } finally {
    bars.stop();
  }
}

/** False if something is wrong. */
export async function check(
  given: string,
  options: PlaceArguments & { json?: boolean; partial?: boolean },
): Promise<boolean> {
  const name = datasetNamed(given);
  const bars = new Bars();
  const report = await checkDataset(name, {
    partial: options.partial,
    root: options.data,
    onProgress: (doing, done, total) => bars.update(doing, done, total),
  }).finally(() => bars.stop());
  const { root, samples, hashed, caches, problems } = report;
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(`${name} in ${root}: ${samples.train} samples to train, ${samples.test} to test`);
    console.log(`${hashed} files have the right hashes`);
    for (const cache of caches) console.log(`frames in ${cache}`);
    for (const problem of problems.slice(0, SHOWN)) console.log(`problem: ${problem}`);
    const more = problems.length - SHOWN;
    if (more > 0) console.log(`and ${more.toLocaleString('en')} more: --json has them all`);
    console.log(problems.length === 0 ? 'no problems found' : `${problems.length} problems`);
  }
  return problems.length === 0;
}

export async function show(given: string, options: ShowArguments): Promise<void> {
  const name = datasetNamed(given);
  const entry = datasetEntry(name);
  const { split, samples, seed, frames, out } = options;
  const root = datasetRoot(name, options.data);
  const html = await contactSheet(entry, { split, root, count: samples, seed, frames });
  const path = resolve(out ?? `${name}-${split}.html`);
  await writeAtomically(path, [new TextEncoder().encode(html)]);
  console.log(`written to ${path}`);
}

/** The frames to make; null if none were requested. */
function frameSettings({ kind, info }: DatasetEntry, options: PrepareArguments) {
  const { frames, splitBy, duration, skipDamaged } = options;
  if (frames === undefined && duration === undefined) {
    if (splitBy !== undefined || skipDamaged) {
      throw new UsageError('--split-by and --skip-damaged need --frames or --duration');
    }
    return null;
  }
  if (kind !== 'events')
    throw new UsageError(`${info.name} has ${kind}: there are no frames to make`);
  if (duration !== undefined) return { duration };
  return { frames: frames!, splitBy: splitBy ?? 'number' } as const;
}

/** One bar at a time on stderr; a new one for each kind of work. */
class Bars {
  private doing?: string;
  private bar?: Progress;

  update(doing: string, done: number, total: number | undefined): void {
    if (total === undefined) return; // A server that does not state the size.
    if (doing !== this.doing) {
      this.stop();
      this.doing = doing;
      this.bar = showProgress(doing, total, process.stderr);
    }
    this.bar?.update(done);
  }

  log(line: string): void {
    this.stop();
    process.stderr.write(`${line}\n`);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.doing = undefined;
  }
}
