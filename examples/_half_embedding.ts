/**
 * Embeddings in 16 bits, half the size on disk: only the sign of an embedding's numbers reaches the neurons behind it, so
 * that rounding changes no answer.
 */
import * as tf from '@tensorflow/tfjs';

/** The bits of the nearest IEEE binary16 number. @throws if rounding moves the number across 0 or beyond the largest */
export function halfBits(value: number): number {
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const bits = Math.round(magnitude * 2 ** (10 - exponent)) + (exponent + 14) * 1024;
  if (!(bits < 0x7c00) || (bits === 0 && value < 0)) {
    throw new RangeError(`value must keep its sign and be finite in 16 bits, but got ${value}`);
  }
  return value < 0 ? bits | 0x8000 : bits;
}

/** Saves a model to `handler` in tfjs's format, its weights named `.../embeddings` in 16 bits. */
export async function saveWithHalfEmbedding(
  model: tf.LayersModel,
  handler: tf.io.IOHandler,
): Promise<void> {
  const rounded = tf.io.withSaveHandler((artifacts) => handler.save!(inHalf(artifacts)));
  await model.save(rounded);
}

function inHalf(artifacts: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  const bytes = new Uint8Array([artifacts.weightData!].flat()[0]!);
  const parts: Uint8Array[] = [];
  let from = 0;
  const weightSpecs = artifacts.weightSpecs!.map((spec) => {
    const part = bytes.slice(from, from + 4 * tf.util.sizeFromShape(spec.shape));
    from += part.length;
    const isEmbedding = spec.name.endsWith('/embeddings');
    const numbers = new Float32Array(part.buffer);
    parts.push(isEmbedding ? new Uint8Array(Uint16Array.from(numbers, halfBits).buffer) : part);
    return isEmbedding ? { ...spec, quantization: { dtype: 'float16' as const } } : spec;
  });
  return { ...artifacts, weightSpecs, weightData: parts.map((part) => part.buffer as ArrayBuffer) };
}
