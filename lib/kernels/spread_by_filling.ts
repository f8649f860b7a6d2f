/**
 * The gradients of sums and means: dy for every number that was added. tfjs multiplies by ones that it writes in
 * JavaScript, and hands over to the backend; these are filled in there.
 */
import * as tf from '@tensorflow/tfjs';
import { wrapGradient } from './wrap_gradient';

function spread(kernelName: string, share: (dy: tf.Tensor, count: number) => tf.Tensor): void {
  wrapGradient(kernelName, 'spreadsByFilling', () => (dys, saved, attrs) => {
    const [x, dy] = [saved[0]!, [dys].flat()[0]!];
    const axes = tf.util.parseAxisParam(attrs.axis as number[], x.shape);
    const kept = x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side));
    const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
    return { x: () => share(dy, count).reshape(kept).mul(tf.fill(x.shape, 1)) };
  });
}

export function spreadByFilling(): void {
  spread(tf.Sum, (dy) => dy);
  spread(tf.Mean, (dy, count) => dy.div(count));
}
