/**
 * Runs a describe block once for every backend that this machine has: cpu, wasm, and `tensorflow`
 * where tfjs-node is installed and loads. In CI a missing wasm is a failure, not a skipped suite.
 */
import * as tf from '@tensorflow/tfjs';

function loads(module: string): boolean {
  try {
    require(module);
    return true;
  } catch {
    return false;
  }
}

function presentBackends(): string[] {
  const found = ['cpu'];
  if (loads('@tensorflow/tfjs-backend-wasm')) found.push('wasm');
  else if (process.env.CI) {
    throw new Error('CI expects the wasm backend: @tensorflow/tfjs-backend-wasm does not load');
  }
  if (loads('@tensorflow/tfjs-node') && tf.findBackendFactory('tensorflow') != null) {
    found.push('tensorflow');
  }
  // SPIKINGFORMER_TEST_BACKENDS=wasm,cpu narrows a run while working on one backend.
  const wanted = process.env.SPIKINGFORMER_TEST_BACKENDS?.split(',');
  return wanted ? found.filter((backend) => wanted.includes(backend)) : found;
}

// The cpu backend prints its "install tfjs-node" banner at first use: noise in a test log.
(tf.findBackend('cpu') as { firstUse?: boolean }).firstUse = false;

/** The backends of this run, cpu first. */
export const backends: readonly string[] = presentBackends();

/**
 * `describe(name)` for each backend, which is current (`tf.getBackend()`) inside every hook and
 * test of `body`. `body` itself runs at collection time: make tensors in hooks and tests only.
 */
export function describeEachBackend(name: string, body: (backend: string) => void): void {
  describe.each(backends.map((backend) => [backend]))(`${name} (%s)`, (backend) => {
    beforeAll(async () => {
      const ready = await tf.setBackend(backend);
      if (!ready) throw new Error(`backend '${backend}' was found but does not start`);
      await tf.ready();
    });
    body(backend);
  });
}
