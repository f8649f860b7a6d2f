/**
 * Registers every layer class and every gradient. Each file registers its own, but bundlers drop unused modules and
 * their registrations with them; they keep what an entry itself calls: this function.
 */
import * as tf from '@tensorflow/tfjs';
import { registerGradients } from '../lib/kernels/register_gradients';
import * as layers from './index';
import { register } from './layer';

export function registerAll(): void {
  for (const one of Object.values(layers)) {
    if (one.prototype instanceof tf.layers.Layer) {
      register(one as Parameters<typeof register>[0]);
    }
  }
  registerGradients();
}
