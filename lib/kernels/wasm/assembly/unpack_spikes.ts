/** Spikes that are stored as bits, the lowest first, as numbers. */

/** `count` bits, a multiple of 16, as float32. */
export function unpackSpikes(bits: usize, count: i32, to: usize): void {
  const lanes = i32x4(1, 2, 4, 8);
  const one = f32x4.splat(1);
  for (; count > 0; count -= 16, bits += 2, to += 64) {
    const mask = <i32>load<u16>(bits);
    for (let i = 0; i < 4; i++) {
      const four = v128.and(i32x4.splat(mask >> (i << 2)), lanes);
      v128.store(to + ((<usize>i) << 4), v128.and(i32x4.eq(four, lanes), one));
    }
  }
}
