/** A checkpoint's manifest: its content, its checksums, and whether the files match. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { CheckpointError } from '../../interop/checkpoint_error';
import type { Progress } from '../../training/progress';
import { writeAtomically } from '../files/files';
import { hashOf } from '../files/hash';
import { isNatural, isRecord, typeOf } from '../files/json';

export const CHECKPOINT_FORMAT = 1;
const MANIFEST = 'manifest.json';

/** What a checkpoint's `manifest.json` records beside its weights. */
export interface CheckpointManifest extends Progress {
  format: number;
  /** Drawn when the run began; the same in all checkpoints of a run. Absent in older versions. */
  run?: string;
  /** What must be equal for a run to resume exactly; compared by dotted path. */
  identity: Record<string, unknown>;
  /** What else numbers depend on: backend, threads, switches. */
  environment: Record<string, unknown>;
  versions: Record<string, string>;
  optimizer: { className: string; config: tf.serialization.ConfigDict };
  /** Accuracy, 0 to 1, of the epoch that it ends; null within an epoch. */
  metric: number | null;
  files: Record<string, { bytes: number; sha256: string }>;
}

/** Writes the manifest into its checkpoint's folder. */
export async function writeManifest(folder: string, manifest: CheckpointManifest): Promise<void> {
  await writeAtomically(join(folder, MANIFEST), [new TextEncoder().encode(seal(manifest))]);
}

/** The SHA-256 and length of every file in a folder, by name. */
export async function checksumsOf(folder: string): Promise<CheckpointManifest['files']> {
  const files: CheckpointManifest['files'] = {};
  for (const file of (await fs.readdir(folder)).sort()) {
    const bytes = await fs.readFile(join(folder, file));
    files[file] = { bytes: bytes.length, sha256: hashOf([bytes]) };
  }
  return files;
}

/**
 * Reads a manifest and compares every checksum.
 *
 * @throws CheckpointError with the problem
 */
export async function verifyCheckpoint(folder: string): Promise<CheckpointManifest> {
  const manifest = await readManifest(folder);
  for (const [file, { bytes, sha256: expected }] of Object.entries(manifest.files)) {
    const path = join(folder, file);
    const content = await fs.readFile(path).catch((error) => {
      throw new CheckpointError(`${path} cannot be read: ${error.message}`);
    });
    if (content.length !== bytes) {
      throw new CheckpointError(`${path} must have ${bytes} bytes, but has ${content.length}`);
    }
    if (hashOf([content]) !== expected) {
      throw new CheckpointError(`${path} is damaged: its SHA-256 is not the manifest's`);
    }
  }
  return manifest;
}

/**
 * Reads a manifest and compares its checksum.
 *
 * @throws CheckpointError
 */
export async function readManifest(folder: string): Promise<CheckpointManifest> {
  const path = join(folder, MANIFEST);
  const text = await fs.readFile(path, 'utf8').catch((error) => {
    throw new CheckpointError(`${path} cannot be read: ${error.message}`);
  });
  const manifest = unseal(text);
  if (!isRecord(manifest)) {
    throw new CheckpointError(`${path} is damaged: its checksum is wrong`);
  }
  if (manifest.format !== CHECKPOINT_FORMAT) {
    throw new CheckpointError(
      `${path} has format ${manifest.format}; this version reads ${CHECKPOINT_FORMAT}`,
    );
  }
  for (const [field, isRight] of Object.entries(FIELDS)) {
    if (!isRight(manifest[field])) {
      throw new CheckpointError(
        `${path} is not a checkpoint's manifest: its field ${field} is ${typeOf(manifest[field])}, or incomplete`,
      );
    }
  }
  return manifest as unknown as CheckpointManifest;
}

const isNumber = (value: unknown) => typeof value === 'number';
const hasNaturals = (value: unknown, keys: readonly string[]) =>
  isRecord(value) && keys.every((key) => isNatural(value[key]));

/** What each field must be, so that readers need no further check. JSON has null for NaN. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  run: (value) => value === undefined || typeof value === 'string',
  identity: isRecord,
  environment: isRecord,
  versions: isRecord,
  optimizer: (value) =>
    isRecord(value) && typeof value.className === 'string' && isRecord(value.config),
  metric: (value) => value === null || isNumber(value),
  position: (value) => hasNaturals(value, ['epoch', 'batch', 'step']),
  sums: isRecord,
  history: (value) => Array.isArray(value) && value.every(isRecord),
  files: (value) =>
    isRecord(value) &&
    Object.entries(value).every(
      ([name, file]) =>
        !/[\\/]/.test(name) &&
        isRecord(file) &&
        isNatural(file.bytes) &&
        typeof file.sha256 === 'string',
    ),
};

/** Whether two checkpoints with the same name are equal: in run, step, weights and state. */
export function isSame(a: CheckpointManifest, b: CheckpointManifest): boolean {
  const contents = ({ run, position, files }: CheckpointManifest) => {
    const { 'model.json': _, ...weights } = files; // Names of layers differ between processes.
    return JSON.stringify([run, position.step, weights]);
  };
  return contents(a) === contents(b);
}

/** The manifest's JSON with its SHA-256. */
function seal(manifest: CheckpointManifest): string {
  return JSON.stringify({ sha256: hashOf([JSON.stringify(manifest)]), manifest });
}

function unseal(text: string): unknown {
  try {
    const { sha256: checksum, manifest } = JSON.parse(text);
    return checksum === hashOf([JSON.stringify(manifest)]) ? manifest : undefined;
  } catch {
    return undefined;
  }
}
