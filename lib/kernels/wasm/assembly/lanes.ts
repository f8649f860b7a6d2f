/**
 * Loads and stores of a whole vector or only its first lane, so that the same code serves the vectors and the tail.
 * `width` is constant in every inlined copy, and costs nothing.
 */

@inline
export function load4or1(width: i32, from: usize): v128 {
  return width == 4 ? v128.load(from) : v128.load32_zero(from);
}

@inline
export function store4or1(width: i32, to: usize, value: v128): void {
  if (width == 4) v128.store(to, value);
  else v128.store32_lane(to, value, 0);
}

/** Four masks of four lanes each as 16 bits. */
@inline
export function bits16(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = i16x8.narrow_i32x4_s(a, b);
  const high = i16x8.narrow_i32x4_s(c, d);
  return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

/** Which of 16 numbers are not zero, as bits. */
@inline
export function nonZero16(x: usize): u64 {
  const zero = f32x4.splat(0);
  return bits16(
    f32x4.ne(v128.load(x), zero),
    f32x4.ne(v128.load(x, 16), zero),
    f32x4.ne(v128.load(x, 32), zero),
    f32x4.ne(v128.load(x, 48), zero),
  );
}

/** Adds four float32 lanes to four float64 numbers in memory. */
@inline
export function addToDoubles(to: usize, value: v128): void {
  const low = f64x2.promote_low_f32x4(value);
  const high = f64x2.promote_low_f32x4(
    i8x16.shuffle(value, value, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7),
  );
  v128.store(to, f64x2.add(v128.load(to), low));
  v128.store(to, f64x2.add(v128.load(to, 16), high), 16);
}
