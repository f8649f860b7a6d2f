/** Who takes part in the bench: this library's backends, and PyTorch; each a process of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Contender, type Launch } from './_contender';
import { pytorchFolder } from './_python';

export const backends = ['tensorflow+native', 'tensorflow', 'wasm', 'cpu'] as const;
export const peers = ['pytorch-spikingjelly', 'pytorch-compile'] as const;

export const isPeer = (name: string) => (peers as readonly string[]).includes(name);

const root = fileURLToPath(new URL('..', import.meta.url));

/** Whether this copy of the project has tfjs-node, whether or not it loads. */
export function hasTfjsNode(): boolean {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json');
    return true;
  } catch {
    return false;
  }
}

function launchOf(name: string, threads: number, python: string | undefined): Launch {
  const count = String(threads);
  const env = { OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
  if (isPeer(name)) {
    return {
      command: python!,
      args: ['-W', 'ignore', join(pytorchFolder, 'worker.py'), name, count],
      env,
    };
  }
  return {
    command: process.execPath,
    args: ['--import', 'tsx', join(root, 'bench/_worker.ts')],
    env: {
      ...env,
      TF_NUM_INTRAOP_THREADS: count,
      TF_CPP_MIN_LOG_LEVEL: '2',
      SPIKINGFORMER_NATIVE_OPS: name === 'tensorflow' ? '0' : '1',
    },
  };
}

/** Starts one; rejects, saying why, where it cannot be had. */
export async function start(name: string, threads: number, python?: string): Promise<Contender> {
  const contender = new Contender(name, launchOf(name, threads, python));
  try {
    const backend = name.replace('+native', '');
    const { noNativeOps } = await contender.ask<{ noNativeOps?: string }>('hello', { backend });
    if (name.endsWith('+native') && noNativeOps) throw new Error(`${name}: ${noNativeOps}`);
    return contender;
  } catch (error) {
    await contender.end(0);
    throw error;
  }
}

/** Starts them side by side. Those that cannot be had are told of and left out. */
export async function startAll(
  names: readonly string[],
  threads: number,
  python?: string,
): Promise<Contender[]> {
  const started = await Promise.allSettled(names.map((name) => start(name, threads, python)));
  return started.flatMap((each) => {
    if (each.status === 'fulfilled') return [each.value];
    console.log(`without ${each.reason.message}`);
    return [];
  });
}
