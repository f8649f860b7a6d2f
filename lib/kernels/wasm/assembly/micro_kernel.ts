/**
 * The inner loop of every matrix product and convolution: a 4x8 tile of outer products with its 32 sums in registers,
 * as in BLIS. Packing makes its inputs contiguous.
 */

/**
 * C[4][8] (=, or += if accumulate) the sum over outer x middle x inner steps of a[4] times b[8]. a moves by `inner`,
 * `middle` and `outer` strides (bytes, relative to the start of each loop), so that a convolution is such a sum too; b
 * is always contiguous. Only rows x cols of C are written.
 */
export function micro4x8(
  a: usize,
  b: usize,
  outer: i32,
  middle: i32,
  inner: i32,
  outerStride: usize,
  middleStride: usize,
  innerStride: usize,
  c: usize,
  rowStep: usize,
  accumulate: i32,
  rows: i32,
  cols: i32,
  spill: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00,
    c10 = c00,
    c11 = c00,
    c20 = c00,
    c21 = c00,
    c30 = c00,
    c31 = c00;
  for (let o = 0; o < outer; o++, a += outerStride) {
    let am = a;
    for (let m = 0; m < middle; m++, am += middleStride) {
      // One step per iteration: if unrolled by hand, V8 gathers the loads first and runs out of registers.
      const end = b + ((<usize>inner) << 5);
      for (let p = am; b < end; b += 32, p += innerStride) {
        const b0 = v128.load(b);
        const b1 = v128.load(b, 16);
        let s = v128.load32_splat(p);
        c00 = f32x4.add(c00, f32x4.mul(s, b0));
        c01 = f32x4.add(c01, f32x4.mul(s, b1));
        s = v128.load32_splat(p, 4);
        c10 = f32x4.add(c10, f32x4.mul(s, b0));
        c11 = f32x4.add(c11, f32x4.mul(s, b1));
        s = v128.load32_splat(p, 8);
        c20 = f32x4.add(c20, f32x4.mul(s, b0));
        c21 = f32x4.add(c21, f32x4.mul(s, b1));
        s = v128.load32_splat(p, 12);
        c30 = f32x4.add(c30, f32x4.mul(s, b0));
        c31 = f32x4.add(c31, f32x4.mul(s, b1));
      }
    }
  }
  const whole = rows == 4 && cols == 8;
  const to = whole ? c : spill;
  const step = whole ? rowStep : 32;
  if (whole && accumulate) {
    c00 = f32x4.add(c00, v128.load(c));
    c01 = f32x4.add(c01, v128.load(c, 16));
    c10 = f32x4.add(c10, v128.load(c + step));
    c11 = f32x4.add(c11, v128.load(c + step, 16));
    c20 = f32x4.add(c20, v128.load(c + 2 * step));
    c21 = f32x4.add(c21, v128.load(c + 2 * step, 16));
    c30 = f32x4.add(c30, v128.load(c + 3 * step));
    c31 = f32x4.add(c31, v128.load(c + 3 * step, 16));
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to + step, c10);
  v128.store(to + step, c11, 16);
  v128.store(to + 2 * step, c20);
  v128.store(to + 2 * step, c21, 16);
  v128.store(to + 3 * step, c30);
  v128.store(to + 3 * step, c31, 16);
  if (whole) return;
  for (let r = 0; r < rows; r++, c += rowStep, spill += 32) {
    for (let j = 0; j < cols; j++) {
      const at = (<usize>j) << 2;
      const sum = load<f32>(spill + at);
      store<f32>(c + at, accumulate ? load<f32>(c + at) + sum : sum);
    }
  }
}
