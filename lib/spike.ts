/** One spike with a surrogate gradient: the building block of custom neurons. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from './kernels';
import { type AnySurrogateName, getSurrogate, throughSurrogate } from './kernels/surrogate';
import { checkKeys, checkPositive } from './validate';

/**
 * 1 where u >= 0, else 0, with a surrogate as its gradient: the building block of custom neurons. u and the result may
 * have any shape. SpikingJelly: `surrogate_function(x)`; snnTorch: `spike_grad(x)`; Norse: `threshold(x, method,
 * alpha)`.
 *
 * ```ts
 * const s = spiking.spike(v.sub(threshold), { surrogate: 'atan' });
 * ```
 */
export function spike(
  u: tf.Tensor,
  options: { surrogate?: AnySurrogateName; alpha?: number } = {},
): tf.Tensor {
  checkKeys('spike', options, ['surrogate', 'alpha']);
  const { surrogate = 'sigmoid' } = options;
  const defaults = getSurrogate(surrogate);
  const { alpha = defaults.alpha } = options;
  checkPositive('alpha', alpha);
  installKernels(); // After webgpu's cast, some operations fail on the spikes.
  const fire = tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: (x as tf.Tensor).greaterEqual(0).toFloat(),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        throughSurrogate(dy, saved[0]!, surrogate, alpha),
    };
  });
  return fire(u);
}
