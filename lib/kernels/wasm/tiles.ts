/** Sizes that the packed kernels share. */

/** float32 numbers of packed pixels that fit a core's L2 cache beside the rest. */
export const CACHED = 96 * 1024;

// Packed blocks of a product: one panel of B stays in L1, a block of A and one of B in L2.
const BLOCK_M = 64;
const BLOCK_N = 256;
/** Sums of more products than this are added block by block in matrix products. */
export const BLOCK_K = 256;

/** Floats of a ragged tile that the micro-kernel spills. */
export const SPILL = 32;

export function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/** The blocks of a product of [m, k] by [k, n], and the float32 numbers of scratch for them. */
export function productBlocks(m: number, n: number, k: number) {
  const blockM = Math.min(BLOCK_M, roundUp(m, 4));
  const blockN = Math.min(BLOCK_N, roundUp(n, 8));
  const blockK = Math.min(BLOCK_K, k);
  return { blockM, blockN, blockK, length: SPILL + blockK * (blockM + blockN) };
}
