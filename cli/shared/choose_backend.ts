/** The backend that a command computes on: the requested one, else the fastest that works here. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '../../node/index';
import { oneLine, UsageError } from './errors';
import { installedNativeBackends, type NativeBackend, nativeBackends } from './packages';

const NATIVE_INSTALL = '`npx spikingformer native install`';

/**
 * The fastest working tfjs-node: with a GPU, then with the native ops. Even without these, tfjs-node is faster than
 * wasm (results/speed.csv).
 */
export function fastest(found: readonly NativeBackend[]): NativeBackend | undefined {
  const working = found.filter(({ loads }) => loads);
  return working.find(({ gpu }) => gpu) ?? working.find(({ noOps }) => !noOps) ?? working[0];
}

/** Why a command uses tfjs-node. */
export function reasonFor({ name, gpu, noOps }: NativeBackend): string {
  const short = name.replace('@tensorflow/', '');
  if (gpu) return `${short} is installed, and TensorFlow finds a GPU`;
  if (!noOps) return `${short} with the native ops is installed`;
  return `${short} is installed, without the native ops: ${noOps}`;
}

/** Why a command does not use tfjs-node; prints a warning for each that is installed but does not work. */
export function reasonAgainst(found: readonly NativeBackend[]): string {
  if (found.length === 0) return 'tfjs-node, which is faster, is not installed';
  return `${found.map(({ name }) => name.replace('@tensorflow/', '')).join(' and ')}, which is faster, does not load`;
}

/** The backend that a command uses without tfjs-node, and why. */
export function withoutNative(found: readonly NativeBackend[]): {
  backend: string;
  reason: string;
} {
  if (tf.findBackendFactory('wasm')) return { backend: 'wasm', reason: reasonAgainst(found) };
  const reason = '@tensorflow/tfjs-backend-wasm, which is faster, is not installed';
  return { backend: 'cpu', reason };
}

export function warningOf({ name, version, reason }: NativeBackend): string {
  return `${name} ${version} does not load: ${reason}; ${NATIVE_INSTALL} builds it for a current TensorFlow`;
}

/** Loads tfjs-node, which registers the backend `tensorflow`. */
function load({ name, path }: { name: string; path: string }): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // TensorFlow prints which instructions this processor also has.
  try {
    createRequire(join(path, 'package.json'))(path);
  } catch (error) {
    throw new Error(`backend tensorflow needs ${name}, which does not load: ${oneLine(error)}`);
  }
}

/** Keeps the backend `cpu` from advising to install tfjs-node: the commands give their own advice. */
export function withoutBanner(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (cpu) cpu.firstUse = false;
}

async function start(name: string): Promise<void> {
  if (name === 'cpu') withoutBanner();
  if (!tf.findBackendFactory(name)) throw new UsageError(`there is no backend '${name}' here`);
  if (!(await tf.setBackend(name))) throw new Error(`backend ${name} does not start`);
  await tf.ready();
}

/** Makes the fastest working backend current. Returns why it was chosen. */
async function startFastest(): Promise<string> {
  const found = nativeBackends(); // Each is tested in a separate process: a broken one ends its process.
  const native = fastest(found);
  for (const each of found) if (!each.loads) console.error(`warning: ${warningOf(each)}`);
  if (native) {
    load(native);
    await start('tensorflow');
    return `${reasonFor(native)}; --backend wasm chooses another`;
  }
  const { backend, reason } = withoutNative(found);
  await start(backend);
  return reason;
}

/**
 * Makes the named backend current, or the fastest that works.
 * @param reason why it is the named one; undefined if the user named it
 * @returns a line with the backend and the reason, unless the user named it
 */
export async function useBackend(name?: string, reason?: string): Promise<string | undefined> {
  if (name === undefined) {
    const why = await startFastest();
    return `${tf.getBackend()}: ${why}`;
  }
  if (name === 'tensorflow') {
    const installed = installedNativeBackends();
    // If both are installed, it is the one that a command without --backend uses.
    const native = installed.length > 1 ? fastest(nativeBackends()) : installed[0];
    if (!native) {
      const why = installed.length > 0 ? 'none of its copies loads' : 'it is not installed';
      throw new Error(`backend tensorflow needs @tensorflow/tfjs-node: ${why}`);
    }
    load(native);
  }
  await start(name);
  return reason && `${name}: ${reason}`;
}
