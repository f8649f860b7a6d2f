import type { KernelBackend, util } from '@tensorflow/tfjs';

export interface SharedAnswers {
  word: SharedArrayBuffer;
  answer: SharedArrayBuffer;
}

export function connect(
  post: (commands: unknown) => void,
  memory: SharedAnswers,
): { gpu: unknown; GPUBuffer: unknown };
export function readAtOnce(backend: KernelBackend, tfUtil: typeof util): void;
export const GPUBufferUsage: Record<string, number>;
export const GPUMapMode: Record<string, number>;
