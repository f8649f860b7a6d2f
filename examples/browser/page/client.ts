/** The page's end of a worker: calls its jobs, and receives its news in between. */

import type { TrainingNews } from '../network/training';
import type { Jobs, Message, Request } from '../network/worker';

type Outcome<K extends keyof Jobs> = Awaited<ReturnType<Jobs[K]>>;

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

/** A browser's own words for a full memory. */
const OUT_OF_MEMORY = /out of memory|allocation failed|memory access out of bounds|oom/i;

/** The same in words that say what to do. */
function inWords(message: string): string {
  return OUT_OF_MEMORY.test(message)
    ? 'The memory of this device is full: close other tabs, or choose a smaller network'
    : message;
}

export class WorkerClient {
  /** A sentence about the backend, such as that its GPU was lost. */
  onNote: (sentence: string) => void = () => {};
  onNews: (news: TrainingNews) => void = () => {};
  private readonly worker = new Worker('worker.js');
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Message>) => this.receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.failAll(new Error(inWords(event.message || 'worker.js must lie beside the page')));
    };
  }

  /** Rejects with what the job threw, or once the worker is closed. */
  call<K extends keyof Jobs>(job: K, ...args: Parameters<Jobs[K]>): Promise<Outcome<K>> {
    const id = ++this.lastId;
    return new Promise<Outcome<K>>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, job, args } satisfies Request);
    });
  }

  close(): void {
    this.worker.terminate();
    this.failAll(new ClosedError());
  }

  private receive(message: Message): void {
    if ('news' in message) this.onNews(message.news);
    else if ('note' in message) this.onNote(message.note);
    else this.settle(message);
  }

  private settle(message: Extract<Message, { id: number }>): void {
    const call = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ('error' in message) call?.reject(new Error(inWords(message.error)));
    else call?.resolve(message.result as never);
  }

  private failAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/** The worker was closed while it worked: nobody waits for its answer any more. */
export class ClosedError extends Error {
  override name = 'ClosedError';
}
