/** A command as one of several processes started by an MPI launcher: it joins them, and fails with them. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs';
import { jobSize } from '../node/mpi/job';
import { MpiRanks } from '../node/mpi/ranks';
import { oneLine, statusOf, UsageError } from './shared/errors';

/** Variables in which launchers give a process's rank on its machine, and the number of processes there. */
const LOCAL = [
  ['OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_SIZE'],
  ['MPI_LOCALRANKID', 'MPI_LOCALNRANKS'],
  ['SLURM_LOCALID', 'SLURM_NTASKS_PER_NODE'],
] as const;

/**
 * Distributes GPUs and threads among the processes of a machine, by TensorFlow's variables, before TensorFlow is
 * loaded; variables that the user has set stay.
 */
export function dealDevices(
  env: NodeJS.ProcessEnv = process.env,
  gpus = existsSync('/proc/driver/nvidia/gpus')
    ? readdirSync('/proc/driver/nvidia/gpus').length
    : 0,
): void {
  const [rank, size] = (LOCAL.find(([name]) => env[name] !== undefined) ?? []).map((name) =>
    Number(env[name]),
  );
  if (!Number.isInteger(rank)) return;
  const given = env.CUDA_VISIBLE_DEVICES?.split(',').filter((id) => id !== '');
  const ids = given ?? Array.from({ length: gpus }, (_, i) => `${i}`);
  if (ids.length > 1) env.CUDA_VISIBLE_DEVICES = ids[rank! % ids.length];
  // A launcher that binds processes to cores has already distributed them.
  const isBound = availableParallelism() < cpus().length;
  if (size! > 1 && !isBound) {
    env.TF_NUM_INTRAOP_THREADS ??= `${Math.max(1, Math.floor(cpus().length / size!))}`;
  }
}

/**
 * Runs `work` with the other processes of the job, or alone if there is none. A process that fails ends the whole job,
 * and prints its rank and reason once.
 */
export async function inJob(work: (ranks?: MpiRanks) => Promise<void>): Promise<void> {
  if (jobSize() === 1) return work();
  dealDevices();
  const ranks = await MpiRanks.join();
  try {
    await work(ranks);
    await ranks.leave();
  } catch (error) {
    // If all of them fail alike, the first prints it and ends the others before they do.
    await pause(Math.min(300 * ranks.rank, 5000));
    console.error(`error: rank ${ranks.rank} on ${hostname()}: ${oneLine(error)}`);
    ranks.abort(statusOf(error));
  }
}

/** @throws UsageError if a process has other values than the first; it names both */
export async function checkAgreement(
  ranks: MpiRanks,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const all = await ranks.gather({ host: hostname(), values });
  const [first] = all;
  for (const [rank, { host, values: others }] of all.entries()) {
    for (const [name, value] of Object.entries(first!.values)) {
      if (others[name] === value) continue;
      throw new UsageError(
        `all processes must have the same ${name}, but rank 0 on ${first!.host} has ${value} ` +
          `and rank ${rank} on ${host} has ${others[name]}`,
      );
    }
  }
}

/** A digest of all weights, bit for bit. */
export async function weightsDigest(model: tf.LayersModel): Promise<string> {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) {
    const data = await weight.data();
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
