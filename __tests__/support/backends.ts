/**
 * Runs a describe block once for every backend that this machine has: cpu, wasm, and `tensorflow`
 * where tfjs-node is installed and loads. In CI a missing wasm is a failure, not a skipped suite.
 * `webgpu` where it is asked for, and in the pages of `npm run test:browser`, which name theirs.
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

/** Where the environment's WebGPU lives in a worker: how tfjs reads tensors from there. */
const { readWebGPUAtOnce } = globalThis as {
  readWebGPUAtOnce?: (backend: tf.KernelBackend, util: typeof tf.util) => void;
};

/** tfjs's webgpu backend registers itself only where it takes this for a page. */
function loadsWebGPU(): boolean {
  tf.env().getBool('IS_BROWSER'); // Asked for once: what follows is for that backend alone.
  Object.assign(globalThis, { WorkerGlobalScope: class {} });
  return loads('@tensorflow/tfjs-backend-webgpu');
}

/** Those that a page of `npm run test:browser` names. */
const given = (globalThis as { spikingformerTestBackends?: string[] }).spikingformerTestBackends;

function presentBackends(): string[] {
  if (given) return given;
  const found = ['cpu'];
  if (loads('@tensorflow/tfjs-backend-wasm')) found.push('wasm');
  else if (process.env.CI) {
    throw new Error('CI expects the wasm backend: @tensorflow/tfjs-backend-wasm does not load');
  }
  if (loads('@tensorflow/tfjs-node') && tf.findBackendFactory('tensorflow') != null) {
    found.push('tensorflow');
  }
  if (readWebGPUAtOnce && loadsWebGPU()) found.push('webgpu');
  // SPIKINGFORMER_TEST_BACKENDS=wasm,cpu narrows a run while working on one backend.
  const wanted = process.env.SPIKINGFORMER_TEST_BACKENDS?.split(',');
  return wanted ? found.filter((backend) => wanted.includes(backend)) : found;
}

// The cpu backend prints its "install tfjs-node" banner at first use: noise in a test log.
(tf.findBackend('cpu') as { firstUse?: boolean }).firstUse = false;

/** The backends of this run, cpu first. */
export const backends: readonly string[] = presentBackends();

/** Whether that backend compiles shaders, which takes time, and leaves sigmoids to the GPU. */
export function onGPU(backend: string): boolean {
  return backend === 'webgl' || backend === 'webgpu';
}

/**
 * Runs what must give the same bits twice. On GPUs tfjs computes small tensors on the CPU where they
 * happen to lie there, and on webgpu picks a program for a matrix product by its size: here it does neither.
 */
export function repeatably<T>(run: () => T): T {
  const flags: Record<string, Record<string, number | boolean>> = {
    webgl: { WEBGL_CPU_FORWARD: false },
    webgpu: { WEBGPU_CPU_FORWARD: false, WEBGPU_MATMUL_PROGRAM_TYPE: 3 },
  };
  const wanted = Object.entries(flags[tf.getBackend()] ?? {});
  const before = wanted.map(([flag]) => [flag, tf.env().get(flag)] as const);
  for (const [flag, value] of wanted) tf.env().set(flag, value);
  try {
    return run();
  } finally {
    for (const [flag, value] of before) tf.env().set(flag, value);
  }
}

/**
 * `describe(name)` for each backend, which is current (`tf.getBackend()`) inside every hook and
 * test of `body`. `body` itself runs at collection time: make tensors in hooks and tests only.
 */
export const describeEachBackend = (name: string, body: (backend: string) => void) =>
  describeBackends(backends, name, body);

/**
 * The same without the plain cpu, unless it is alone: it takes several times as long as wasm. For what is about no
 * kernel, or is made of layers that are tested on it.
 */
export const describeFasterBackends = (name: string, body: (backend: string) => void) =>
  describeBackends(
    backends.length > 1 ? backends.filter((backend) => backend !== 'cpu') : backends,
    name,
    body,
  );

function describeBackends(
  which: readonly string[],
  name: string,
  body: (backend: string) => void,
): void {
  describe.each(which.map((backend) => [backend]))(`${name} (%s)`, (backend) => {
    beforeAll(async () => {
      const ready = await tf.setBackend(backend);
      if (!ready) throw new Error(`backend '${backend}' was found but does not start`);
      await tf.ready();
      if (backend === 'webgpu') readWebGPUAtOnce?.(tf.backend(), tf.util);
    });
    body(backend);
  });
}
