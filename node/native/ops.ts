/**
 * Loads the addon with this library's TensorFlow ops, which `spikingformer native install` builds into tfjs-node's
 * folder, next to tfjs-node's binding. SPIKINGFORMER_NATIVE_OPS=0 disables it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { MultiStepLIF, MultiStepLIFGrad } from '../../lib/kernels/multi_step_lif';
import { tensorflowBackend } from '../../lib/kernels/tensorflow/backend';
import {
  type NativeOps,
  OPS_INTERFACE,
  setNativeOpsLoader,
} from '../../lib/kernels/tensorflow/native_ops';
import type { TensorflowBackend } from '../../lib/tfjs_internals';
import { proveOnGpu } from './gpu_proof';
import './tensor_memory';

export const OPS_FILE = 'spikingformer_ops.node';

const requireAddon = createRequire(import.meta.url);

/** The folder of tfjs-node's binding, relative to its package: lib/napi-v8, or what this Node supports. */
export function bindingFolder(packageDir: string): string {
  const { binary } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
  const supported = (binary.napi_versions as number[]).filter(
    (version) => version <= Number(process.versions.napi),
  );
  const path = (binary.module_path as string).replace(
    '{napi_build_version}',
    String(Math.max(...supported)),
  );
  return join(packageDir, path);
}

/** The folders of a package, as resolved from the running script, the current folder and this library. */
function packageFolders(name: string): string[] {
  const importers = [
    process.argv[1] ?? '',
    join(process.cwd(), 'package.json'),
    import.meta.url,
  ].filter((from) => from !== '');
  const folders = importers.flatMap((from) => {
    try {
      return [dirname(createRequire(from).resolve(`${name}/package.json`))];
    } catch {
      return [];
    }
  });
  return [...new Set(folders)];
}

function load(packageName: string): NativeOps | string {
  if (process.env.SPIKINGFORMER_NATIVE_OPS === '0') {
    return 'SPIKINGFORMER_NATIVE_OPS is 0';
  }
  const [path] = packageFolders(packageName)
    .map((folder) => join(bindingFolder(folder), OPS_FILE))
    .filter(existsSync);
  if (!path) return 'they are not installed: `npx spikingformer native install` builds them';
  try {
    return requireAddon(path) as NativeOps;
  } catch (error) {
    return `${path} does not load: ${(error as Error).message}`;
  }
}

/** Of ops for a GPU: they, or why they do not compute right there. */
function proven(ops: NativeOps, backend: TensorflowBackend): NativeOps | string {
  const current = tf.getBackend();
  tf.setBackend('tensorflow'); // At once, as it has been started.
  const failure = proveOnGpu(backend);
  tf.setBackend(current);
  return failure ? `the CUDA kernels (${ops.cuda}) fail their self-test: ${failure}` : ops;
}

let loaded: NativeOps | string | undefined;
setNativeOpsLoader((packageName) => {
  if (loaded !== undefined) return loaded;
  const ops = load(packageName);
  loaded = ops;
  const backend = tensorflowBackend();
  if (
    typeof ops !== 'string' &&
    ops.interface === OPS_INTERFACE &&
    ops.cuda &&
    backend?.isUsingGpuDevice
  ) {
    loaded = 'the CUDA kernels are being proven'; // while their proof runs, which asks too
    loaded = proven(ops, backend);
  }
  return loaded;
});

// If the backend was used before this import, it has composed kernels: they are chosen again.
for (const kernelName of [MultiStepLIF, MultiStepLIFGrad]) {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
}
