/** How threads share sums over the rows of `[..., channels]`: each sums a chunk of rows, then the chunks are summed. */
import { util } from '@tensorflow/tfjs';

/** The most chunks, and the fewest rows per chunk: enough threads, and few terms in each float32 sum. */
const MOST_CHUNKS = 256;
const FEWEST_ROWS = 32;

export function chunksOf(shape: number[]) {
  const channels = shape.at(-1)!;
  const rows = util.sizeFromShape(shape.slice(0, -1));
  const chunkRows = Math.max(FEWEST_ROWS, Math.ceil(rows / MOST_CHUNKS));
  return { rows, channels, chunkRows, chunks: Math.max(1, Math.ceil(rows / chunkRows)) };
}
