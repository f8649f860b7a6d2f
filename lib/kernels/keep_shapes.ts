/**
 * Operations whose gradients need no more than the shapes of their inputs. tfjs keeps the inputs for them until the
 * backward pass: each addition of a residual block holds two tensors that nothing else needs. This file keeps none.
 */
import * as tf from '@tensorflow/tfjs';
import { engine } from '../tfjs_internals';
import { wrapGradient } from './wrap_gradient';

/** The gradient reads the shapes from what the tape recorded, whose tensors may be disposed by then. */
export function keepShapesOnly(kernelName: string): void {
  const names = tf.getGradient(kernelName)?.inputsToSave ?? [];
  const shapesOnly = (inner: tf.GradFunc): tf.GradFunc => {
    return (dy, saved, attrs) => {
      const { inputs } = engine().state.activeTape!.find((node) => node.saved === saved)!;
      return inner(
        dy,
        names.map((name) => inputs[name]!),
        attrs,
      );
    };
  };
  wrapGradient(kernelName, 'keepsShapesOnly', shapesOnly, { inputsToSave: [] });
}
