/** Who takes part in the bench: this library's backends, PyTorch and onnxruntime; each a process of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { Contender, type Launch } from './_contender';
import { pytorchFolder, pytorchPython, spikingJelly2 } from './_python';

export const backends = ['tensorflow+native', 'tensorflow', 'wasm', 'cpu'] as const;
const pythonPeers = ['pytorch-spikingjelly', 'pytorch-compile', 'spikingjelly-2'] as const;
const runtimes = ['onnxruntime-node', 'onnxruntime-web'] as const;
export const peers = [...pythonPeers, ...runtimes] as const;

const isOneOf = (names: readonly string[]) => (name: string) => names.includes(name);
export const isPeer = isOneOf(peers);
/** Whether it evaluates networks and does nothing else. */
export const isRuntime = isOneOf(runtimes);

/** What peers need that is not Node's: Python, and what its PYTHONPATH has for `spikingjelly-2`. */
export interface Surroundings {
  python?: string;
  spikingJelly2?: string;
}

/** Gets what those peers need; prints what cannot be had. */
export async function surroundingsOf(names: readonly string[]): Promise<Surroundings> {
  if (!names.some(isOneOf(pythonPeers))) return {};
  const made = await pytorchPython(console.log);
  if (typeof made === 'string') {
    console.log(`without PyTorch: ${made}`);
    return {};
  }
  const { python } = made;
  if (!names.includes('spikingjelly-2')) return { python };
  const newer = await spikingJelly2(python, console.log);
  if (typeof newer !== 'string') return { python, spikingJelly2: newer.home };
  console.log(`without SpikingJelly 2: ${newer}`);
  return { python };
}

/** Whether that peer, or backend, has what it needs. */
const canRun = (name: string, { python, spikingJelly2 }: Surroundings) =>
  !isOneOf(pythonPeers)(name) || (name === 'spikingjelly-2' ? spikingJelly2 : python) !== undefined;

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

/** A script of the bench as JavaScript: a loader of TypeScript would take 80 MB of its process, and users have none. */
function built(script: string): string {
  const outfile = join(root, '.cache', 'bench', script.replace('.ts', '.mjs'));
  buildSync({
    entryPoints: [join(root, 'bench', script)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    // package.json's sideEffects is about dist/: read for the sources, it would drop what registers ops.
    ignoreAnnotations: true,
  });
  return outfile;
}

function launchOf(name: string, threads: number, { python, spikingJelly2 }: Surroundings): Launch {
  const count = String(threads);
  const env = { OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
  if (isOneOf(pythonPeers)(name)) {
    return {
      command: python!,
      args: ['-W', 'ignore', join(pytorchFolder, 'worker.py'), name, count],
      env: { ...env, ...(name === 'spikingjelly-2' && { PYTHONPATH: spikingJelly2 }) },
    };
  }
  if (isRuntime(name)) {
    const script = built('_onnx_worker.ts');
    return { command: process.execPath, args: [script, name, count], env };
  }
  return {
    command: process.execPath,
    args: ['--expose-gc', built('_worker.ts')],
    env: {
      ...env,
      TF_NUM_INTRAOP_THREADS: count,
      TF_CPP_MIN_LOG_LEVEL: '2',
      SPIKINGFORMER_NATIVE_OPS: name === 'tensorflow' ? '0' : '1',
    },
  };
}

/** Starts one; rejects, saying why, where it cannot be had. */
export async function start(
  name: string,
  threads: number,
  surroundings: Surroundings = {},
): Promise<Contender> {
  const contender = new Contender(name, launchOf(name, threads, surroundings));
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
  surroundings: Surroundings = {},
): Promise<Contender[]> {
  const able = names.filter((name) => canRun(name, surroundings));
  const started = await Promise.allSettled(able.map((name) => start(name, threads, surroundings)));
  return started.flatMap((each) => {
    if (each.status === 'fulfilled') return [each.value];
    console.log(`without ${each.reason.message}`);
    return [];
  });
}
