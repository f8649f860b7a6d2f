/** Sizes that the packed kernels share. */

/** float32 numbers of packed pixels that fit a core's L2 cache beside the rest. */
export const CACHED = 96 * 1024;

/** Sums of more products than this are added block by block in matrix products. */
export const BLOCK_K = 256;

/** Floats of a ragged tile that the micro-kernel spills. */
export const SPILL = 32;

export function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
