/**
 * Surrogate derivatives over a block of membrane potentials, numbered in the order of `surrogateNames`. No |u|
 * overflows. The gradient cuts piecewiseQuadratic off at its reach.
 */

/**
 * Writes the constants of exp to 48 bytes. V8 rebuilds a vector constant wherever it is used, in five instructions; it
 * keeps one that was loaded before a loop.
 */
export function writeExpTable(table: usize): void {
  store<f32>(table, 1.44269502); // log2 e in float32
  // ln 2 in two parts: an integer times the first is exact.
  store<f32>(table, 0.693359375, 4);
  store<f32>(table, -2.1219444e-4, 8);
  // Minimax polynomial of (exp(r) - 1 - r) / r^2, from Cephes' expf.
  store<f32>(table, 1.98756915e-4, 12);
  store<f32>(table, 1.3981999507e-3, 16);
  store<f32>(table, 8.3334519073e-3, 20);
  store<f32>(table, 4.1665795894e-2, 24);
  store<f32>(table, 1.6666665459e-1, 28);
  store<f32>(table, 5.0000001201e-1, 32);
  store<f32>(table, -87, 36);
  // Adding 1.5 * 2^23 rounds to an integer n, which is then in the low bits: here n + 127.
  store<f32>(table, 12582912 + 127, 40);
  store<f32>(table, 1, 44);
}

/** exp(x) for x <= 0, to about 1 ulp: 2^n exp(r) with |r| <= ln 2 / 2; 0 below -87, the end of 2^n. */
@inline
function expNegative(table: usize, x: v128): v128 {
  const low = v128.load32_splat(table, 36);
  const magic = v128.load32_splat(table, 40);
  const clamped = f32x4.pmax(x, low);
  const rounded = f32x4.add(f32x4.mul(clamped, v128.load32_splat(table)), magic);
  const n = f32x4.sub(rounded, magic);
  const high = f32x4.sub(clamped, f32x4.mul(n, v128.load32_splat(table, 4)));
  const r = f32x4.sub(high, f32x4.mul(n, v128.load32_splat(table, 8)));
  let p = v128.load32_splat(table, 12);
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(table, 16));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(table, 20));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(table, 24));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(table, 28));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(table, 32));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), v128.load32_splat(table, 44));
  const exponent = i32x4.shl(rounded, 23);
  // Not lt, so that a NaN passes through.
  return v128.andnot(f32x4.mul(p, exponent), f32x4.lt(x, low));
}

/** Writes the derivative at u = h - vThreshold for `vectors` vectors; `table` comes from writeExpTable. */
export function surrogateBlock(
  kind: i32,
  alpha: f32,
  vThreshold: f32,
  h: usize,
  out: usize,
  vectors: i32,
  table: usize,
): void {
  const a = f32x4.splat(alpha);
  const th = f32x4.splat(vThreshold);
  const one = v128.load32_splat(table, 44);
  const end = out + ((<usize>vectors) << 4);
  if (kind == 0) {
    for (; out < end; out += 16, h += 16) {
      const e = expNegative(table, f32x4.neg(f32x4.abs(f32x4.mul(a, f32x4.sub(v128.load(h), th)))));
      const d = f32x4.add(one, e);
      v128.store(out, f32x4.div(f32x4.mul(a, e), f32x4.mul(d, d)));
    }
  } else if (kind == 1) {
    const scale = f32x4.splat(<f32>(1.5707963267948966 * <f64>alpha));
    const half = f32x4.splat(alpha * 0.5);
    for (; out < end; out += 16, h += 16) {
      const z = f32x4.mul(scale, f32x4.sub(v128.load(h), th));
      v128.store(out, f32x4.div(half, f32x4.add(one, f32x4.mul(z, z))));
    }
  } else if (kind == 2) {
    const slope = f32x4.splat(alpha * alpha);
    for (; out < end; out += 16, h += 16) {
      const u = f32x4.abs(f32x4.sub(v128.load(h), th));
      v128.store(out, f32x4.sub(a, f32x4.mul(slope, u)));
    }
  } else if (kind == 3) {
    const half = f32x4.splat(alpha * 0.5);
    for (; out < end; out += 16, h += 16) {
      const u = f32x4.sub(v128.load(h), th);
      v128.store(out, f32x4.mul(half, expNegative(table, f32x4.neg(f32x4.abs(f32x4.mul(a, u))))));
    }
  } else if (kind == 4) {
    const inverse = f32x4.splat(<f32>(1 / <f64>alpha));
    const twice = f32x4.splat(alpha * 2);
    for (; out < end; out += 16, h += 16) {
      const z = f32x4.add(inverse, f32x4.abs(f32x4.sub(v128.load(h), th)));
      v128.store(out, f32x4.div(one, f32x4.mul(twice, f32x4.mul(z, z))));
    }
  } else {
    const scale = f32x4.splat(<f32>(<f64>alpha / 1.7724538509055159));
    for (; out < end; out += 16, h += 16) {
      const z = f32x4.mul(a, f32x4.sub(v128.load(h), th));
      v128.store(out, f32x4.mul(scale, expNegative(table, f32x4.neg(f32x4.mul(z, z)))));
    }
  }
}
