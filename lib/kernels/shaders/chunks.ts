/** How sums over the rows of `[..., channels]` are shared out among threads: chunks of rows, then their sums. */
import { util } from '@tensorflow/tfjs';

/** Chunks at most, and rows of a chunk at least: enough threads, and float32 sums of few numbers each. */
const MOST_CHUNKS = 256;
const FEWEST_ROWS = 32;

export function chunksOf(shape: number[]) {
  const channels = shape.at(-1)!;
  const rows = util.sizeFromShape(shape.slice(0, -1));
  const chunkRows = Math.max(FEWEST_ROWS, Math.ceil(rows / MOST_CHUNKS));
  return { rows, channels, chunkRows, chunks: Math.max(1, Math.ceil(rows / chunkRows)) };
}
