/** Starts the first backend that the device supports, and reports why it skipped others. */
import * as tf from '@tensorflow/tfjs';
import { shared } from './shared';
import type { WatchableBackend } from './tfjs_internals';
import { invalid } from './validate';

/** Options of `chooseBackend`. */
export interface ChooseBackendOptions {
  /** Whether the model will be trained: then backends with 16-bit textures are skipped. Default false. */
  training?: boolean;
  /** Receives the reason why a backend was skipped, and a message if a GPU is lost later. Default console.warn. */
  say?: (message: string) => void;
}

const LOST = 'its tensors are gone. Choose a backend again, and reload the model and its data';

/**
 * Starts these backends in order until one works, makes it current, and returns its name. A page imports the backends
 * that it names: `@tensorflow/tfjs` brings webgl and cpu.
 *
 * ```ts
 * import '@tensorflow/tfjs-backend-webgpu';
 * import '@tensorflow/tfjs-backend-wasm';
 * const backend = await chooseBackend(['webgpu', 'webgl', 'wasm']);
 * ```
 *
 * Throws if none starts, with the reason for each.
 */
export async function chooseBackend(
  names: readonly string[] = ['webgpu', 'webgl', 'wasm', 'cpu'],
  { training = false, say = (message) => console.warn(message) }: ChooseBackendOptions = {},
): Promise<string> {
  if (!Array.isArray(names) || names.length === 0) {
    throw invalid('names', "names of backends, such as ['webgpu', 'wasm']", names);
  }
  const reasons: string[] = [];
  for (const name of names) {
    const reason = await start(name, training);
    if (reason === null) {
      if (reasons.length > 0) say(`${reasons.join('; ')}: running on ${name}`);
      watch(name, say);
      return name;
    }
    reasons.push(`${name} ${reason}`);
  }
  throw new Error(`No backend: ${reasons.join('; ')}`);
}

/** Makes that backend current, or returns the reason why it cannot. */
async function start(name: string, training: boolean): Promise<string | null> {
  if (!tf.findBackendFactory(name)) return 'is not imported or not supported here';
  if (!(await tf.setBackend(name))) return 'does not start here';
  if (name === 'webgl' && training && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
    return 'has 16-bit textures on this device, too coarse to train with';
  }
  return null;
}

const watched = shared('watchedBackends', () => new WeakSet<object>());

/** Reports the loss of a GPU: a driver crash, a laptop that switches GPUs, a page in the background. */
function watch(name: string, say: (message: string) => void): void {
  const backend = tf.backend();
  if (watched.has(backend)) return;
  watched.add(backend);
  const { device, gpgpu } = backend as WatchableBackend;
  device?.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') say(`The ${name} device was lost (${message}): ${LOST}`);
  });
  gpgpu?.gl.canvas.addEventListener('webglcontextlost', () => {
    say(`The ${name} context was lost: ${LOST}`);
  });
}
