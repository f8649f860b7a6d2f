/**
 * Embeddings in 16 bits, half the size on disk: only the sign of an embedding's numbers reaches the neurons behind it, so
 * that rounding changes no answer.
 */
import * as tf from '@tensorflow/tfjs';
import { halfFloats } from '../lib/quantize';

/** The bits of the nearest IEEE binary16 numbers. @throws if rounding moves one of them to 0 from below, or beyond the largest */
export function halves(numbers: Float32Array): Uint16Array {
  const { data } = halfFloats(numbers);
  numbers.forEach((value, i) => {
    const fits = Number.isFinite(value) && (data[i]! & 0x7fff) < 0x7c00;
    if (!fits || (value < 0 && data[i] === 0x8000)) {
      throw new RangeError(`value must keep its sign and be finite in 16 bits, but got ${value}`);
    }
  });
  return data;
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
    parts.push(isEmbedding ? new Uint8Array(halves(numbers).buffer) : part);
    return isEmbedding ? { ...spec, quantization: { dtype: 'float16' as const } } : spec;
  });
  return { ...artifacts, weightSpecs, weightData: parts.map((part) => part.buffer as ArrayBuffer) };
}
