/** Bytes to float32 numbers with mean 0 and standard deviation 1 per channel. */
import { invalid } from '../../lib/validate';

/** (x - 255 mean) / (255 std) per channel, channels last, in float32 as timm's loader computes it. */
export function normalize(
  data: Uint8Array,
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const channels = mean.length;
  if (channels === 0 || std.length !== channels || !std.every((s) => s > 0)) {
    throw invalid('std', 'as many positive numbers as mean has', std);
  }
  if (data.length % channels !== 0) {
    throw invalid('data', `whole pixels of ${channels} channels`, `${data.length} values`);
  }
  const { fround } = Math;
  // One result for each byte and channel: there are no others.
  const table = new Float32Array(256 * channels);
  for (let c = 0; c < channels; c++) {
    const [middle, scale] = [fround(255 * mean[c]), fround(255 * std[c])];
    for (let x = 0; x < 256; x++) table[x * channels + c] = fround(x - middle) / scale;
  }
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i += channels) {
    for (let c = 0; c < channels; c++) out[i + c] = table[data[i + c] * channels + c];
  }
  return out;
}
