/** Counting what is asked of a GPU: programs that are run, and bytes that they read and write. */
import * as tf from '@tensorflow/tfjs';

export interface Work {
  /** Programs run: compute dispatches on webgpu, draw calls on webgl. */
  dispatches: number;
  /** Of the tensors that the programs read and write, each program for itself. */
  bytes: number;
  /** The most bytes that the GPU's tensors had at a time. */
  peak: number;
}

type Run = (
  program: { outputShape: number[] },
  inputs: tf.TensorInfo[],
  ...rest: unknown[]
) => unknown;

/** Runs `body` on the current backend, webgpu or webgl, and counts. */
export function countWork(body: () => void): Work {
  const backend = tf.backend() as unknown as Record<string, Run>;
  const name = tf.getBackend() === 'webgpu' ? 'runWebGPUProgram' : 'runWebGLProgram';
  const work = { dispatches: 0, bytes: 0, peak: 0 };
  const stock = backend[name]!;
  const bytes = (shape: number[]) => 4 * tf.util.sizeFromShape(shape);
  backend[name] = function (this: unknown, program, inputs, ...rest) {
    work.dispatches++;
    work.bytes += bytes(program.outputShape);
    for (const { shape } of inputs) work.bytes += bytes(shape);
    const result = stock.call(this, program, inputs, ...rest);
    const { numBytesInGPU } = tf.memory() as unknown as { numBytesInGPU: number };
    work.peak = Math.max(work.peak, numBytesInGPU);
    return result;
  };
  try {
    tf.tidy(body);
  } finally {
    backend[name] = stock;
  }
  return work;
}
