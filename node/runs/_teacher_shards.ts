/**
 * A teacher's outputs on disk: a folder with identity.json, which records what they depend on, and shards of rows,
 * `epoch-000003-<SHA-256 of the file>.safetensors`: the samples' indices, logits and, if requested, features. A shard
 * is written completely or not at all, and readers compare its name with its hash.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '../../interop/safetensors';
import { differenceTable, valueDifferences } from '../../training/training_state';
import { errorCode, fileError, removeStaleTemporaries, writeAtomically } from '../files/files';

const IDENTITY = 'identity.json';
const FORMAT = 1;
const SHARD = /^epoch-(\d{6,})-([0-9a-f]{64})\.safetensors$/;

/** Rows of samples: `data[i * width ... (i + 1) * width]` belongs to sample `indices[i]`. */
export interface Table {
  width: number;
  data: Float32Array;
}

export interface Shard {
  indices: Int32Array;
  logits: Table;
  features?: Table;
}

/**
 * Makes the folder, or checks that its rows depend on the same things.
 *
 * @throws with a table of differences
 */
export async function openFolder(folder: string, identity: object): Promise<void> {
  const path = join(folder, IDENTITY);
  await fs.mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(`cannot keep a teacher's outputs in ${folder}`, error);
  });
  await removeStaleTemporaries(folder, (name) => SHARD.test(name));
  const text = await fs.readFile(path, 'utf8').catch((error) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError(`cannot read ${path}`, error);
  });
  const here = JSON.parse(JSON.stringify({ format: FORMAT, ...identity }));
  if (text === undefined) {
    await writeAtomically(path, [new TextEncoder().encode(JSON.stringify(here))]);
    return;
  }
  let there: unknown;
  try {
    there = JSON.parse(text);
  } catch {
    throw new Error(`${path} is damaged: delete ${folder} to have its outputs recomputed`);
  }
  const differences = valueDifferences('', there, here);
  if (differences.length > 0) {
    throw new Error(
      `the teacher's outputs in ${folder} belong to another run:\n${differenceTable(differences, { there: 'there' })}`,
    );
  }
}

/** Names of an epoch's shards. */
export async function shardsOf(folder: string, epoch: number): Promise<string[]> {
  const names = await fs.readdir(folder);
  return names.filter((name) => Number(SHARD.exec(name)?.[1] ?? -1) === epoch).sort();
}

/** @throws if the file is not what was written */
export async function readShard(folder: string, name: string): Promise<Shard> {
  const path = join(folder, name);
  const bytes = await fs.readFile(path).catch((error) => {
    throw fileError(`cannot read ${path}`, error);
  });
  if (sha256(bytes) !== SHARD.exec(name)![2]) {
    throw new Error(`${path} is damaged: its SHA-256 is not the one in its name`);
  }
  const { indices, logits, features } = readSafetensors(bytes);
  const table = ({ shape, data }: NonNullable<typeof logits>) => ({
    width: shape[1]!,
    data: data as Float32Array,
  });
  return {
    indices: indices!.data as Int32Array,
    logits: table(logits!),
    ...(features && { features: table(features) }),
  };
}

/** Returns the shard's name. */
export async function writeShard(folder: string, epoch: number, shard: Shard): Promise<string> {
  const { indices, logits, features } = shard;
  const tensor = ({ width, data }: Table) => ({
    shape: [indices.length, width],
    dtype: 'F32' as const,
    data,
  });
  const bytes = writeSafetensors({
    indices: { shape: [indices.length], dtype: 'I32', data: indices },
    logits: tensor(logits),
    ...(features && { features: tensor(features) }),
  });
  const name = `epoch-${String(epoch).padStart(6, '0')}-${sha256(bytes)}.safetensors`;
  await writeAtomically(join(folder, name), [bytes]);
  return name;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
