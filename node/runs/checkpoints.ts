/**
 * Checkpoints of a training run on disk: one folder each, that appears whole or not at all, with
 * checksums of everything in it.
 *
 *   epoch-000003-batch-000000/
 *     model.json, model.weights.*.bin   the model, as tf.loadLayersModel(fileHandler(folder)) reads it
 *     state.safetensors                 the optimizer's moments and counters, the average of the weights,
 *                                       the loss's variables
 *     manifest.json                     position, history, recipe, versions, environment, SHA-256 of the above
 *
 * A second run in the same folder leaves those of the first alone: its own are run-2-epoch-...
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CheckpointError } from '../../interop/checkpoint_error';
import { readSafetensors, writeSafetensors } from '../../interop/safetensors';
import { checkPositiveInteger } from '../../lib/validate';
import { accuracyOf, type Position } from '../../training/observer';
import {
  collectState,
  type Difference,
  differenceTable,
  lossDifferences,
  restoreState,
  type TrainingState,
  valueDifferences,
  weightDifferences,
} from '../../training/training_state';
import {
  errorCode,
  fileError,
  removeStaleTemporaries,
  syncDirectory,
  temporaryPath,
  writeAtomically,
} from '../files/files';
import {
  CHECKPOINT_FORMAT,
  type CheckpointManifest,
  checksumsOf,
  isSame,
  readManifest,
  verifyCheckpoint,
  writeManifest,
} from './_checkpoint_manifest';
import {
  checkpointName,
  checkpointNames,
  comparePositions,
  isCheckpointName,
  parseCheckpointName,
} from './_checkpoint_names';
import { fileHandler } from './file_handler';

const STATE = 'state.safetensors';

export { CheckpointError, type CheckpointManifest };

/** Options of {@link CheckpointStore}. */
export interface CheckpointStoreOptions {
  /** How many of the newest to keep, besides the best. Default 2. */
  keep?: number;
  identity?: Record<string, unknown>;
  environment?: Record<string, unknown>;
  versions?: Record<string, string>;
}

/** A checkpoint, read and verified. */
export interface LoadedCheckpoint {
  folder: string;
  manifest: CheckpointManifest;
}

/**
 * A run's checkpoints in a folder, each with checksums: the newest and the best are kept, and a damaged one is passed
 * over.
 */
export class CheckpointStore {
  private readonly keep: number;
  /** The run that `save` continues: its number in the folder, and its id. */
  private run?: { number: number; id: string | undefined };
  /** Where that run was last saved, or restored from. */
  private last?: Position;

  /** @param directory the folder for checkpoints, made if missing */
  constructor(
    readonly directory: string,
    private readonly options: CheckpointStoreOptions = {},
  ) {
    const { keep = 2 } = options;
    checkPositiveInteger('keep', keep);
    this.keep = keep;
  }

  /** Names of the checkpoints, oldest first, including damaged ones. */
  async list(): Promise<string[]> {
    const names = await fs.readdir(this.directory).catch((error) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw fileError(`cannot list ${this.directory}`, error);
    });
    return checkpointNames(names);
  }

  /**
   * Saves the trainer's state. Whatever fails, earlier checkpoints stay. A store continues the run that it has restored
   * or begun; after a step back, it begins another run.
   */
  async save(training: TrainingState): Promise<void> {
    const { position } = training.progress;
    if (this.last && comparePositions(position, this.last) < 0) this.run = undefined;
    let name = await this.nameOf(position);
    const temporary = temporaryPath(join(this.directory, name));
    try {
      await fs.mkdir(this.directory, { recursive: true });
      await removeStaleTemporaries(this.directory, isCheckpointName);
      const manifest = await this.write(training, temporary);
      let there = await this.verify(name).catch(() => null);
      if (there && isSame(there, { ...manifest, run: this.run!.id })) {
        await fs.rm(temporary, { recursive: true });
      } else {
        for (; there; there = await this.verify(name).catch(() => null)) {
          this.run = undefined; // The checkpoint there belongs to another run, or this run has taken another course.
          name = await this.nameOf(position);
        }
        await this.publish({ ...manifest, run: this.run!.id }, temporary, name);
      }
    } catch (error) {
      await fs.rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      if ((error as Error).name === 'DivergedError') throw error;
      const last = (await this.list().catch(() => [])).at(-1);
      const rest = last ? `; the last good checkpoint is ${join(this.directory, last)}` : '';
      const message = error instanceof Object ? (error as Error).message : error;
      throw new Error(`cannot save checkpoint ${name}: ${message}${rest}`, { cause: error });
    }
    this.last = { ...position };
    await this.prune();
  }

  /** The name of the current run's checkpoint at that position; begins a run if there is none. */
  private async nameOf({ epoch, batch }: Position): Promise<string> {
    if (!this.run) {
      const last = (await this.list()).at(-1);
      const number = last === undefined ? 1 : parseCheckpointName(last)!.run + 1;
      this.run = { number, id: randomBytes(8).toString('hex') };
    }
    return checkpointName({ run: this.run.number, epoch, batch });
  }

  /** Writes the files of a checkpoint, except the manifest, which it returns. */
  private async write(training: TrainingState, folder: string): Promise<CheckpointManifest> {
    const state = await collectState(training);
    await training.model.save(fileHandler(folder));
    await writeAtomically(join(folder, STATE), [writeSafetensors(state)]);
    const { position, sums, history } = training.progress;
    const { identity = {}, environment = {}, versions = {} } = this.options;
    const last = position.batch === 0 ? history.at(-1) : undefined;
    const { optimizer } = training;
    return {
      format: CHECKPOINT_FORMAT,
      position,
      sums,
      history,
      identity,
      environment,
      versions,
      optimizer: { className: optimizer.getClassName(), config: optimizer.getConfig() },
      metric: last ? accuracyOf(last) : null,
      files: await checksumsOf(folder),
    };
  }

  /** Completes a folder with its manifest, and renames it into place. */
  private async publish(manifest: CheckpointManifest, temporary: string, name: string) {
    await writeManifest(temporary, manifest);
    const folder = join(this.directory, name);
    await fs.rm(folder, { recursive: true, force: true }); // A damaged one, or none.
    await fs.rename(temporary, folder);
    await syncDirectory(this.directory);
  }

  /**
   * Reads a manifest and compares every checksum.
   *
   * @throws CheckpointError with the problem
   */
  verify(name: string): Promise<CheckpointManifest> {
    return verifyCheckpoint(join(this.directory, name));
  }

  /**
   * The newest complete checkpoint, or null if there is none at all.
   * @param onDamaged called with a message for each newer, damaged one
   * @throws CheckpointError if there are checkpoints, but none is complete
   */
  async newest(onDamaged: (message: string) => void): Promise<LoadedCheckpoint | null> {
    const names = await this.list();
    for (const name of [...names].reverse()) {
      try {
        return { folder: join(this.directory, name), manifest: await this.verify(name) };
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        onDamaged(error.message);
      }
    }
    if (names.length === 0) return null;
    throw new CheckpointError(`all ${names.length} checkpoints in ${this.directory} are damaged`);
  }

  /** The checkpoint of the epoch with the highest accuracy, if any was measured. */
  async best(): Promise<LoadedCheckpoint | null> {
    let best: LoadedCheckpoint | null = null;
    for (const name of await this.list()) {
      const manifest = await this.verify(name).catch(() => null);
      if (manifest?.metric == null) continue;
      if (best && manifest.metric <= best.manifest.metric!) continue;
      best = { folder: join(this.directory, name), manifest };
    }
    return best;
  }

  /**
   * Restores a trainer to a checkpoint. Nothing changes unless all of it fits.
   * @param exact whether to refuse an environment in which bits may differ
   * @throws CheckpointError with a table of differences
   */
  async restore(
    training: TrainingState,
    checkpoint: LoadedCheckpoint,
    exact = true,
  ): Promise<void> {
    const { folder, manifest } = checkpoint;
    const { identity = {}, environment = {} } = this.options;
    const { model, optimizer } = training;
    const artifacts = await fileHandler(folder).load!();
    const specs = artifacts.weightSpecs ?? [];
    const state = readSafetensors(await fs.readFile(join(folder, STATE)));
    const averaged = Object.keys(state).some((name) => name.startsWith('average/'));
    const differences: Difference[] = [
      ...valueDifferences('', manifest.identity, identity),
      ...(exact ? valueDifferences('', manifest.environment, environment) : []),
      ...valueDifferences('optimizer', manifest.optimizer.className, optimizer.getClassName()),
      ...valueDifferences('average', averaged, training.average !== undefined),
      ...weightDifferences(model, specs),
      ...lossDifferences(training.loss, state),
    ];
    if (differences.length > 0) {
      throw new CheckpointError(
        `checkpoint ${folder} does not fit this run:\n${differenceTable(differences)}`,
      );
    }
    const weights = tf.io.decodeWeights(artifacts.weightData!, specs);
    for (const weight of model.weights) weight.write(weights[weight.originalName]!);
    tf.dispose(weights);
    await restoreState(training, state);
    const { position, sums, history } = structuredClone(manifest);
    training.progress = { position, sums, history };
    this.run = await this.runAfter(checkpoint);
    this.last = { ...position };
  }

  /** The run that a checkpoint is the end of; undefined if complete ones follow it, or if it is elsewhere. */
  private async runAfter({ folder, manifest }: LoadedCheckpoint) {
    const parsed = parseCheckpointName(basename(folder));
    if (!parsed || resolve(dirname(folder)) !== resolve(this.directory)) return undefined;
    for (const name of await this.list()) {
      const other = parseCheckpointName(name)!;
      if (other.run !== parsed.run || comparePositions(other, parsed) <= 0) continue;
      if (await this.verify(name).catch(() => null)) return undefined;
    }
    return { number: parsed.run, id: manifest.run };
  }

  /**
   * Keeps the newest and the best of the current run, and all of other runs. Damaged ones do not count, and are removed
   * when they are old.
   */
  private async prune(): Promise<void> {
    const names = (await this.list()).filter(
      (name) => parseCheckpointName(name)!.run === this.run!.number,
    );
    let best: { name: string; metric: number } | undefined;
    for (const name of names) {
      const metric = (await readManifest(join(this.directory, name)).catch(() => null))?.metric;
      if (metric != null && (!best || metric > best.metric)) best = { name, metric };
    }
    for (const name of names.slice(0, -this.keep)) {
      if (name === best?.name) continue;
      await fs.rm(join(this.directory, name), { recursive: true, force: true });
    }
  }
}
