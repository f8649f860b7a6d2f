/**
 * Registers every layer class and every gradient. Each file registers its own; bundlers drop what no
 * one uses, registrations too, and keep what an entry itself calls: this.
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
