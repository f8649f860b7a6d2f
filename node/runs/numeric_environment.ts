/** What results depend on to the last bit besides the program: backend, threads, oneDNN's switch. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';

/**
 * For the current backend unless another is named. On machines of one kind, two runs agree bit for bit if this is
 * equal.
 */
export function numericEnvironment(
  backend = tf.getBackend(),
): Record<string, string | number | boolean> {
  if (backend === 'wasm') {
    return { backend, simd: tf.env().getBool('WASM_HAS_SIMD_SUPPORT') };
  }
  if (backend !== 'tensorflow') return { backend };
  const { TF_NUM_INTRAOP_THREADS, TF_NUM_INTEROP_THREADS, OMP_NUM_THREADS } = process.env;
  return {
    backend,
    threads: TF_NUM_INTRAOP_THREADS ?? OMP_NUM_THREADS ?? availableParallelism(),
    interOpThreads: TF_NUM_INTEROP_THREADS ?? availableParallelism(),
    oneDNN: process.env.TF_ENABLE_ONEDNN_OPTS ?? 'default',
    nativeOps: process.env.SPIKINGFORMER_NATIVE_OPS ?? 'default',
  };
}
