/** Matrix products of any transposition, blocked for the caches: A in panels of 4, B in panels of 8. */
import { micro4x8 } from './micro_kernel';
import { packColumns, packRows } from './pack';

/**
 * C [m, n] = op(A) op(B). A is [m, k], or [k, m] if transposeA; B is [k, n], or [n, k] if transposeB. scratch: 32
 * floats to spill a ragged tile, then blockK * (blockM + blockN), blocks rounded up to 4 and 8 lanes. Sums of more than
 * blockK products are added block by block.
 */
export function matMul(
  a: usize,
  b: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  transposeA: i32,
  transposeB: i32,
  scratch: usize,
  blockM: i32,
  blockN: i32,
  blockK: i32,
): void {
  const packedA = scratch + 128;
  const packedB = packedA + ((<usize>(blockM * blockK)) << 2);
  const rowStep = (<usize>n) << 2;
  if (k == 0) memory.fill(c, 0, rowStep * m);
  const aStep = (<usize>(transposeA ? m : k)) << 2;
  const bStep = (<usize>(transposeB ? k : n)) << 2;
  for (let n0 = 0; n0 < n; n0 += blockN) {
    const nEnd = min(n, n0 + blockN);
    for (let k0 = 0; k0 < k; k0 += blockK) {
      const depth = min(blockK, k - k0);
      const panelA = (<usize>depth) << 4;
      const panelB = (<usize>depth) << 5;
      let to = packedB;
      for (let j = n0; j < nEnd; j += 8, to += panelB) {
        const valid = min(8, n - j);
        if (transposeB)
          packColumns(8, b + bStep * j + ((<usize>k0) << 2), bStep, depth, valid, to, 32);
        else packRows(8, b + bStep * k0 + ((<usize>j) << 2), bStep, depth, valid, to, 32);
      }
      for (let m0 = 0; m0 < m; m0 += blockM) {
        const mEnd = min(m, m0 + blockM);
        to = packedA;
        for (let i = m0; i < mEnd; i += 4, to += panelA) {
          const valid = min(4, m - i);
          if (transposeA)
            packRows(4, a + aStep * k0 + ((<usize>i) << 2), aStep, depth, valid, to, 16);
          else packColumns(4, a + aStep * i + ((<usize>k0) << 2), aStep, depth, valid, to, 16);
        }
        let panel = packedB;
        for (let j = n0; j < nEnd; j += 8, panel += panelB) {
          const cols = min(8, n - j);
          let rowsPanel = packedA;
          for (let i = m0; i < mEnd; i += 4, rowsPanel += panelA) {
            micro4x8(
              rowsPanel,
              panel,
              1,
              1,
              depth,
              0,
              0,
              16,
              c + rowStep * i + ((<usize>j) << 2),
              rowStep,
              k0,
              min(4, m - i),
              cols,
              scratch,
            );
          }
        }
      }
    }
  }
}
