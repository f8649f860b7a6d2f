/**
 * Checkpoints of a training run on disk: one folder each, that appears whole or not at all, with
 * checksums of everything in it.
 *
 *   epoch-000003-batch-000000/
 *     model.json, model.weights.*.bin   the model, as tf.loadLayersModel(fileHandler(folder)) reads it
 *     state.safetensors                 the optimizer's moments and counters, the average of the weights
 *     manifest.json                     position, history, recipe, versions, environment, SHA-256 of the above
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { readSafetensors, writeSafetensors } from '../interop/safetensors';
import { checkPositiveInteger } from '../lib/validate';
import type { Progress } from '../training/trainer';
import {
  collectState,
  type Difference,
  differenceTable,
  restoreState,
  type TrainingState,
  valueDifferences,
  weightDifferences,
} from '../training/training_state';
import { errorCode, fileError, syncDirectory, writeAtomically } from './_files';
import { fileHandler } from './file_handler';

const FORMAT = 1;
const MANIFEST = 'manifest.json';
const STATE = 'state.safetensors';
const NAME = /^epoch-\d{6,}-batch-\d{6,}$/;
const TEMPORARY = /^\.epoch-.*\.(\d+)\.[0-9a-f]{8}\.tmp$/;

export interface CheckpointManifest extends Progress {
  format: number;
  /** What must be equal for a run to go on exactly; compared by dotted path. */
  identity: Record<string, unknown>;
  /** What numbers depend on besides: backend, threads, switches. */
  environment: Record<string, unknown>;
  versions: Record<string, string>;
  optimizer: { className: string; config: tf.serialization.ConfigDict };
  /** Accuracy, 0 to 1, of the epoch that it closes; null within an epoch. */
  metric: number | null;
  files: Record<string, { bytes: number; sha256: string }>;
}

export interface CheckpointStoreOptions {
  /** How many of the newest stay, beside the best. Default 2. */
  keep?: number;
  identity?: Record<string, unknown>;
  environment?: Record<string, unknown>;
  versions?: Record<string, string>;
}

/** A checkpoint that has been read and verified. */
export interface LoadedCheckpoint {
  folder: string;
  manifest: CheckpointManifest;
}

/** A checkpoint that is damaged, or that does not belong to this run. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

export class CheckpointStore {
  private readonly keep: number;

  /** @param directory where the checkpoints' folders lie; made when missing */
  constructor(
    readonly directory: string,
    private readonly options: CheckpointStoreOptions = {},
  ) {
    const { keep = 2 } = options;
    checkPositiveInteger('keep', keep);
    this.keep = keep;
  }

  /** Names of the checkpoints, oldest first, damaged ones too. */
  async list(): Promise<string[]> {
    const names = await fs.readdir(this.directory).catch((error) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw fileError(`cannot look into ${this.directory}`, error);
    });
    return names.filter((name) => NAME.test(name)).sort();
  }

  /** Keeps where the trainer stands. Whatever fails, the checkpoints before it stay. */
  async save(training: TrainingState): Promise<void> {
    const { position } = training.progress;
    const pad = (n: number) => String(n).padStart(6, '0');
    const name = `epoch-${pad(position.epoch)}-batch-${pad(position.batch)}`;
    const folder = join(this.directory, name);
    if (await this.verify(name).then(Boolean, () => false)) return;
    const unique = `${process.pid}.${randomBytes(4).toString('hex')}`;
    const temporary = join(this.directory, `.${name}.${unique}.tmp`);
    try {
      await fs.mkdir(this.directory, { recursive: true });
      await this.removeTemporaries();
      await this.write(training, temporary);
      await fs.rm(folder, { recursive: true, force: true }); // a damaged one, or none
      await fs.rename(temporary, folder);
      await syncDirectory(this.directory);
    } catch (error) {
      await fs.rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      if ((error as Error).name === 'DivergedError') throw error;
      const last = (await this.list().catch(() => [])).at(-1);
      const rest = last ? `; the last good checkpoint is ${join(this.directory, last)}` : '';
      const message = error instanceof Object ? (error as Error).message : error;
      throw new Error(`cannot keep checkpoint ${name}: ${message}${rest}`, { cause: error });
    }
    await this.prune();
  }

  private async write(training: TrainingState, folder: string): Promise<void> {
    const state = await collectState(training);
    await training.model.save(fileHandler(folder));
    await writeAtomically(join(folder, STATE), [writeSafetensors(state)]);
    const files: CheckpointManifest['files'] = {};
    for (const file of (await fs.readdir(folder)).sort()) {
      const bytes = await fs.readFile(join(folder, file));
      files[file] = { bytes: bytes.length, sha256: sha256(bytes) };
    }
    const { position, sums, history } = training.progress;
    const { identity = {}, environment = {}, versions = {} } = this.options;
    const last = position.batch === 0 ? history.at(-1) : undefined;
    const { optimizer } = training;
    const manifest: CheckpointManifest = {
      format: FORMAT,
      position,
      sums,
      history,
      identity,
      environment,
      versions,
      optimizer: { className: optimizer.getClassName(), config: optimizer.getConfig() },
      metric: last ? (last.averageAccuracy ?? last.testAccuracy) : null,
      files,
    };
    await writeAtomically(join(folder, MANIFEST), [new TextEncoder().encode(seal(manifest))]);
  }

  /** Reads a manifest and compares every checksum. @throws CheckpointError, saying what is wrong */
  async verify(name: string): Promise<CheckpointManifest> {
    const manifest = await this.readManifest(name);
    for (const [file, { bytes, sha256: expected }] of Object.entries(manifest.files)) {
      const path = join(this.directory, name, file);
      const content = await fs.readFile(path).catch((error) => {
        throw new CheckpointError(`${path} cannot be read: ${error.message}`);
      });
      if (content.length !== bytes) {
        throw new CheckpointError(`${path} must have ${bytes} bytes, but has ${content.length}`);
      }
      if (sha256(content) !== expected) {
        throw new CheckpointError(`${path} is damaged: its SHA-256 is not the manifest's`);
      }
    }
    return manifest;
  }

  private async readManifest(name: string): Promise<CheckpointManifest> {
    const path = join(this.directory, name, MANIFEST);
    const text = await fs.readFile(path, 'utf8').catch((error) => {
      throw new CheckpointError(`${path} cannot be read: ${error.message}`);
    });
    const manifest = unseal(text);
    if (!manifest) throw new CheckpointError(`${path} is damaged: its checksum does not fit`);
    if (manifest.format !== FORMAT) {
      throw new CheckpointError(
        `${path} has format ${manifest.format}; this version reads ${FORMAT}`,
      );
    }
    return manifest;
  }

  /**
   * The newest checkpoint that is whole, or null where there is none at all.
   * @param onDamaged told of each newer one that is not
   * @throws CheckpointError where there are checkpoints and none is whole
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
    throw new CheckpointError(
      `none of the ${names.length} checkpoints in ${this.directory} is whole`,
    );
  }

  /** The checkpoint of the epoch with the highest accuracy, if one has been measured. */
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
   * Puts a trainer where a checkpoint was made. Nothing is changed unless all of it fits.
   * @param exact whether another environment, on which bits may differ, is refused too
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
  }

  /** Leaves the newest and the best. Damaged ones count for nothing and go when they are old. */
  private async prune(): Promise<void> {
    const names = await this.list();
    let best: { name: string; metric: number } | undefined;
    for (const name of names) {
      const metric = (await this.readManifest(name).catch(() => null))?.metric;
      if (metric != null && (!best || metric > best.metric)) best = { name, metric };
    }
    for (const name of names.slice(0, -this.keep)) {
      if (name === best?.name) continue;
      await fs.rm(join(this.directory, name), { recursive: true, force: true });
    }
  }

  /** What processes that are no more have left half-written. */
  private async removeTemporaries(): Promise<void> {
    for (const name of await fs.readdir(this.directory)) {
      const pid = TEMPORARY.exec(name)?.[1];
      if (pid === undefined || isAlive(Number(pid))) continue;
      await fs.rm(join(this.directory, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false; // one of an earlier process with this number
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The manifest's JSON beside its own SHA-256. */
function seal(manifest: CheckpointManifest): string {
  return JSON.stringify({ sha256: sha256(JSON.stringify(manifest)), manifest });
}

function unseal(text: string): CheckpointManifest | undefined {
  try {
    const { sha256: checksum, manifest } = JSON.parse(text);
    return checksum === sha256(JSON.stringify(manifest)) ? manifest : undefined;
  } catch {
    return undefined;
  }
}
