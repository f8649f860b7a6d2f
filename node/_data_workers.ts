/** Worker threads that make batches, each thread one batch at a time. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { MadeBatch } from '../datasets/batches';
import { DatasetError } from '../datasets/dataset_error';
import type { WorkerAnswer, WorkerStart } from './data_worker';

interface Job {
  indices: Int32Array;
  resolve(made: MadeBatch): void;
  reject(error: Error): void;
}

interface Thread {
  worker: Worker;
  current: Int32Array;
  job: Job | null;
}

/** The source whose samples they are, for error messages. */
export type SourceName = { name: string; split: string };

export class DataWorkers {
  private readonly threads: Thread[];
  private readonly waiting: Job[] = [];
  private failed: Error | null = null;
  private closed = false;

  constructor(
    count: number,
    start: Omit<WorkerStart, 'current'>,
    private readonly source: SourceName,
  ) {
    this.threads = Array.from({ length: count }, () => this.startThread(start));
  }

  /** The batch of these samples, once it is their turn. */
  make(indices: Int32Array): Promise<MadeBatch> {
    const made = new Promise<MadeBatch>((resolve, reject) => {
      this.waiting.push({ indices, resolve, reject });
    });
    made.catch(() => {}); // The caller receives the error, perhaps after the workers are gone.
    this.dispatch();
    return made;
  }

  /** The threads keep the process alive while `waiting` is pending, and not in between. */
  async awaited<T>(waiting: Promise<T>): Promise<T> {
    for (const { worker } of this.threads) worker.ref();
    try {
      return await waiting;
    } finally {
      for (const { worker } of this.threads) worker.unref();
    }
  }

  /** Ends all threads immediately. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }

  private startThread(start: Omit<WorkerStart, 'current'>): Thread {
    const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
    const worker = startWorker({ ...start, current });
    const thread: Thread = { worker, current, job: null };
    worker.on('message', (answer: WorkerAnswer) => this.answered(thread, answer));
    worker.on('messageerror', (error) => this.crashed(thread, error.message));
    worker.on('error', (error) => this.crashed(thread, error?.message ?? String(error)));
    worker.on('exit', (code) => this.crashed(thread, `it ended with status ${code}`));
    worker.unref();
    return thread;
  }

  private dispatch(): void {
    for (const thread of this.threads) {
      if (this.failed || this.waiting.length === 0) break;
      if (thread.job) continue;
      thread.job = this.waiting.shift() as Job;
      thread.worker.postMessage(thread.job.indices);
    }
    if (this.failed) for (const { reject } of this.waiting.splice(0)) reject(this.failed);
  }

  private answered(thread: Thread, answer: WorkerAnswer): void {
    const { job } = thread;
    thread.job = null;
    if ('made' in answer) job?.resolve(answer.made);
    else {
      const Type = answer.name === 'DatasetError' ? DatasetError : Error;
      job?.reject(Object.assign(new Type(answer.message), { stack: answer.stack }));
    }
    this.dispatch();
  }

  private crashed(thread: Thread, reason: string): void {
    if (this.closed || this.failed) return;
    const { name, split } = this.source;
    const index = Atomics.load(thread.current, 0);
    const where = index < 0 ? 'before its first sample' : `at sample ${index}`;
    this.failed = new Error(`a worker thread crashed ${where} of ${name} (${split}): ${reason}`);
    for (const { job } of this.threads) job?.reject(this.failed);
    this.dispatch();
  }
}

/**
 * Starts a thread with the worker's file: in node/ as seen from a chunk of the build, next to this file in the sources.
 */
function startWorker(workerData: WorkerStart): Worker {
  const built = ['./data_worker.js', './node/data_worker.js']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url));
  // Without Node's options of this thread: of a file, --input-type is refused.
  const execArgv: string[] = [];
  if (built) return new Worker(built, { workerData, execArgv });
  const source = new URL('./data_worker.ts', import.meta.url);
  if (!existsSync(source)) throw new Error(`${source} is missing: the package is incomplete`);
  // A thread cannot start with TypeScript, so it starts with tsx.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const begin = `import(${JSON.stringify(new URL('./dist/esm/api/index.mjs', tsx))})
    .then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(begin, { workerData, eval: true, execArgv });
}
