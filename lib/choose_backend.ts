/** Starting the first backend that a device has, and saying aloud when it is not the one wished for. */
import * as tf from '@tensorflow/tfjs';
import { shared } from './shared';
import type { WatchableBackend } from './tfjs_internals';
import { invalid } from './validate';

export interface ChooseBackendOptions {
  /** Whether the model will be trained, not only run: then 16-bit textures do not do. Default false. */
  training?: boolean;
  /** Who is told why a backend was passed over, and when a GPU is lost later. Default console.warn. */
  say?: (message: string) => void;
}

const LOST =
  'its tensors are gone with it. Choose a backend again, and load the model and its data again';

/**
 * Makes the first of these backends current that starts, and returns its name. A page imports those
 * that it names: `@tensorflow/tfjs` brings webgl and cpu.
 *
 * ```ts
 * import '@tensorflow/tfjs-backend-webgpu';
 * import '@tensorflow/tfjs-backend-wasm';
 * const backend = await chooseBackend(['webgpu', 'webgl', 'wasm']);
 * ```
 *
 * Throws where none of them starts, with the reason for each.
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

/** Makes that backend current; or says why not. */
async function start(name: string, training: boolean): Promise<string | null> {
  if (!tf.findBackendFactory(name)) return 'is not imported, or not supported here';
  if (!(await tf.setBackend(name))) return 'does not start here';
  if (name === 'webgl' && training && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
    return 'has 16-bit textures on this device, too coarse to train with';
  }
  return null;
}

const watched = shared('watchedBackends', () => new WeakSet<object>());

/** Says it when the GPU goes away: a driver's crash, a laptop that changes GPUs, a page in the background. */
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
