/**
 * What training by several processes costs: `npm run bench -- ranks [--model spikingformer-4-256-cifar10] [--batch 16]
 * [--backend tensorflow] [--steps 6] [--rounds 3]`. One and two processes of one thread each take turns; both compute
 * `batch` samples per process and step. Needs mpirun and `npx spikingformer native install --mpi`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installMpi } from '../node/native/mpi';
import { minutes, run as runToEnd } from '../node/native/process';
import { count } from './_options';
import type { RanksReport } from './_ranks_worker';
import { ranInCopy } from './_tensorflow';
import { appendCsv } from './csv';
import { median } from './measure';

/** Of one job, on a busy machine. */
const LIMIT = minutes(15);

function job(size: number, args: string[]): RanksReport {
  const worker = fileURLToPath(new URL('_ranks_worker.ts', import.meta.url));
  const node = [process.execPath, '--import', 'tsx', worker, ...args];
  const { status, stdout, stderr } = runToEnd('mpirun', ['-np', `${size}`, ...node], LIMIT, {
    env: {
      ...process.env,
      ...{ TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2' },
      ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
    },
  });
  if (status !== 0) throw new Error(`mpirun -np ${size} failed:\n${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

/**
 * Milliseconds of a sum of so many bytes by a ring of N: each process sends and gets 2 (N - 1) / N of them, in 2 (N - 1)
 * messages that take 20 microseconds each besides.
 */
export function ringMilliseconds(size: number, bytes: number, gigabits: number): number {
  const sent = (2 * (size - 1) * bytes) / size;
  return (sent * 8) / (gigabits * 1e6) + 2 * (size - 1) * 0.02;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: 'spikingformer-4-256-cifar10' },
      backend: { type: 'string', default: 'tensorflow' },
      batch: { type: 'string', default: '16' },
      steps: { type: 'string', default: '6' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const { model, backend, batch, steps } = values;
  if (backend === 'tensorflow' && (await ranInCopy('ranks', args))) return;
  const library = await installMpi((line) => console.error(line));
  const worker = [backend, model, `${count('batch', batch)}`, `${count('steps', steps)}`];
  const found: Record<1 | 2, RanksReport[]> = { 1: [], 2: [] };
  for (let round = 0; round < count('rounds', values.rounds); round++) {
    for (const size of round % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const)) {
      found[size].push(job(size, worker));
    }
  }
  const of = (size: 1 | 2, key: keyof RanksReport) => median(found[size].map((each) => each[key]));
  const [one, two] = [of(1, 'milliseconds'), of(2, 'milliseconds')];
  const [sums, bytes] = [of(2, 'communication'), of(2, 'bytes')];
  console.log(`${model}, ${backend}, ${batch} samples per process, 1 thread each, ${library}`);
  console.log(`1 process   ${one.toFixed(0)} ms per step`);
  console.log(
    `2 processes ${two.toFixed(0)} ms per step, ${sums.toFixed(1)} ms of it in sums of ` +
      `${(bytes / 1e6).toFixed(1)} MB; efficiency ${(one / two).toFixed(2)}`,
  );
  console.log('as many processes on machines of their own, sums by a ring, nothing of it hidden:');
  for (const gigabits of [10, 100]) {
    for (const size of [2, 8, 64]) {
      const ms = ringMilliseconds(size, bytes, gigabits);
      console.log(
        `  ${String(size).padStart(2)} at ${String(gigabits).padStart(3)} Gbit/s: ` +
          `${ms.toFixed(1).padStart(6)} ms, efficiency ${(one / (one + ms)).toFixed(2)}`,
      );
    }
  }
  appendCsv('results/ranks.csv', [
    {
      date: new Date().toISOString().slice(0, 10),
      ...{ model, backend, batch: Number(batch), library },
      one_process_ms: one.toFixed(1),
      two_processes_ms: two.toFixed(1),
      sums_ms: sums.toFixed(1),
      bytes,
      efficiency: (one / two).toFixed(3),
      command: ['npm run bench -- ranks', ...args].join(' '),
    },
  ]);
}
