/** Batch norm at inference: a scale and a shift for each channel of sums in strips, or in place. */

/** y [count][cols] = scale * sums + shift, pixels `step` and `outPixel` bytes apart; may be in place. */
export function scaleAndShift(
  sums: usize,
  step: usize,
  count: i32,
  cols: i32,
  scale: usize,
  shift: usize,
  y: usize,
  outPixel: usize,
): void {
  const vectors = (<usize>(cols & ~3)) << 2;
  const bytes = (<usize>cols) << 2;
  for (; count > 0; count--, sums += step, y += outPixel) {
    let i: usize = 0;
    for (; i < vectors; i += 16) {
      const scaled = f32x4.mul(v128.load(sums + i), v128.load(scale + i));
      v128.store(y + i, f32x4.add(scaled, v128.load(shift + i)));
    }
    for (; i < bytes; i += 4) {
      store<f32>(y + i, load<f32>(sums + i) * load<f32>(scale + i) + load<f32>(shift + i));
    }
  }
}
