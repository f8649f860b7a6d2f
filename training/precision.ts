/** Whether a run can have its gradients in bfloat16 here. */
import * as tf from '@tensorflow/tfjs';
import type { Precision } from '../lib/gradient_precision';
import { whyNoBfloat16 } from '../lib/kernels/tensorflow/bfloat16';
import { invalid } from '../lib/validate';

/** @throws if the current backend or the processor does not compute in that precision */
export function checkPrecision(precision: Precision): void {
  if (precision === 'float32') return;
  if (precision !== 'bfloat16') {
    throw invalid('precision', "'float32' or 'bfloat16'", precision);
  }
  const backend = tf.getBackend();
  const reason = backend === 'tensorflow' ? whyNoBfloat16() : `the backend is ${backend}`;
  if (reason === undefined) return;
  throw new Error(
    'precision bfloat16 needs the backend tensorflow with the native ops, on a processor with AMX or AVX512-BF16, ' +
      `but ${reason}`,
  );
}
