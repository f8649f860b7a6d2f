/** Which backends start here, how fast each is with this network, and the fastest, ready to be used. */
import type { ModelSource, NetworkInfo } from '../network/network';
import { WorkerClient } from './client';

/** In the order in which they are tried: the first starts everywhere and soon. */
const CANDIDATES = ['wasm', 'webgpu', 'webgl'];
/** Slow, but needs nothing: tried if none of the others starts. */
const LAST_RESORT = 'cpu';
export const BACKENDS = [...CANDIDATES, LAST_RESORT];

const WARM_UP = 2;
const TIMED = 5;

/** A backend with the network open on it. */
export interface Running {
  backend: string;
  client: WorkerClient;
  info: NetworkInfo;
}

export interface Timing {
  backend: string;
  /** Median per image; null: it does not start here. */
  milliseconds: number | null;
}

export async function run(backend: string, source: ModelSource): Promise<Running> {
  const client = new WorkerClient();
  try {
    await client.call('start', backend, false);
    return { backend, client, info: await client.call('open', source) };
  } catch (error) {
    client.close();
    throw error;
  }
}

async function time({ client, info }: Running): Promise<number> {
  const bytes = new Uint8Array(info.sample.reduce((a, b) => a * b)).map((_, i) => (i * 7) % 256);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + TIMED; i++) {
    const { milliseconds } = await client.call('classify', bytes);
    if (i >= WARM_UP) times.push(milliseconds);
  }
  return times.sort((a, b) => a - b)[TIMED >> 1]!;
}

/**
 * Tries one backend after the other. `onFaster` gets each that beats those before it, the first as soon as it
 * runs; it closes the one that it had. `onTimed` gets every timing. Ends early once `isWanted` says no.
 *
 * @throws if no backend starts, with the reason of the last
 */
export async function findFastest(
  source: ModelSource,
  onFaster: (running: Running) => void,
  onTimed: (timing: Timing) => void,
  isWanted: () => boolean,
): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  let found = false;
  let reason: unknown;
  for (const backend of BACKENDS) {
    if (!isWanted() || (backend === LAST_RESORT && found)) return;
    let running: Running;
    try {
      running = await run(backend, source);
    } catch (error) {
      reason = error;
      onTimed({ backend, milliseconds: null });
      continue;
    }
    if (!found) onFaster(running);
    const isFirst = !found;
    found = true;
    try {
      const milliseconds = await time(running);
      onTimed({ backend, milliseconds });
      if (!isFirst && milliseconds < best) onFaster(running);
      else if (!isFirst) running.client.close();
      best = Math.min(best, milliseconds);
    } catch (error) {
      if (isFirst) throw error;
      running.client.close();
      onTimed({ backend, milliseconds: null });
    }
  }
  if (!found) throw reason;
}
