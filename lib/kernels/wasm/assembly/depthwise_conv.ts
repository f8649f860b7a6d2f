/**
 * Depthwise convolutions and the gradients of their filters: 16 channels of an image are packed with their
 * padding, and a tap is an offset into that. The gradient of the input is a convolution too, as in conv_direct.ts.
 */
import { packImages } from './pack';

/** Stores the first `count` lanes. */
@inline
function storeLanes(to: usize, value: v128, count: i32): void {
  if (count == 4) {
    v128.store(to, value);
    return;
  }
  for (; count > 0; count--, to += 4) {
    v128.store32_lane(to, value, 0);
    value = i32x4.shuffle(value, value, 1, 2, 3, 0);
  }
}

/**
 * y [batch, outHeight, outWidth, channels] from x [batch, height, width, channels], whose pixels lie
 * spreadHeight and spreadWidth apart; `filter` is packed [ceil(channels / 8)][taps][8]. packed holds
 * 16 * ((outHeight - 1) * strideHeight + filterHeight) * paddedWidth floats, paddedWidth being
 * (ceil(outWidth / 4) * 4 - 1) * strideWidth + filterWidth.
 */
export function depthwiseConv(
  x: usize,
  filter: usize,
  y: usize,
  batch: i32,
  channels: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  spreadHeight: i32,
  spreadWidth: i32,
  padTop: i32,
  padLeft: i32,
  packed: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const paddedRows = (outHeight - 1) * strideHeight + filterHeight;
  const paddedWidth = (((outWidth + 3) & ~3) - 1) * strideWidth + filterWidth;
  const rowStep = (<usize>paddedWidth) << 4;
  const panel = rowStep * paddedRows;
  const step = (<usize>strideWidth) << 4;
  const taps = <usize>(filterHeight * filterWidth);
  memory.fill(packed, 0, panel << 2);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c += 4) {
      const from = packed + panel * ((c & 12) >> 2);
      if ((c & 12) == 0) {
        packImages(
          x + ((<usize>c) << 2),
          pixel,
          1,
          height,
          width,
          min(16, channels - c),
          -padTop,
          padLeft,
          paddedRows,
          paddedWidth,
          spreadHeight,
          spreadWidth,
          packed,
          panel,
          panel,
        );
      }
      const weights = filter + taps * ((<usize>(c & ~7)) << 2) + ((<usize>(c & 4)) << 2);
      const lanes = min(4, channels - c);
      for (let r = 0; r < outHeight; r++) {
        const row = from + rowStep * (r * strideHeight);
        for (let w = 0; w < outWidth; w += 4) {
          let a0 = f32x4.splat(0);
          let a1 = a0,
            a2 = a0,
            a3 = a0;
          let tap = weights;
          let line = row + step * w;
          for (let kh = 0; kh < filterHeight; kh++, line += rowStep) {
            for (let kw = 0, p = line; kw < filterWidth; kw++, p += 16, tap += 32) {
              const weight = v128.load(tap);
              a0 = f32x4.add(a0, f32x4.mul(weight, v128.load(p)));
              a1 = f32x4.add(a1, f32x4.mul(weight, v128.load(p + step)));
              a2 = f32x4.add(a2, f32x4.mul(weight, v128.load(p + 2 * step)));
              a3 = f32x4.add(a3, f32x4.mul(weight, v128.load(p + 3 * step)));
            }
          }
          const to = y + pixel * (r * outWidth + w) + ((<usize>c) << 2);
          storeLanes(to, a0, lanes);
          if (w + 1 < outWidth) storeLanes(to + pixel, a1, lanes);
          if (w + 2 < outWidth) storeLanes(to + 2 * pixel, a2, lanes);
          if (w + 3 < outWidth) storeLanes(to + 3 * pixel, a3, lanes);
        }
      }
    }
    x += pixel * height * width;
    y += pixel * outHeight * outWidth;
  }
}

/**
 * dw [filterHeight, filterWidth, channels] from x and dy. packed holds
 * 16 * ((outHeight - 1) * strideHeight + filterHeight) * paddedWidth floats, paddedWidth being
 * (outWidth - 1) * strideWidth + filterWidth, and 16 * outHeight * outWidth more.
 */
export function depthwiseFilterGrad(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  channels: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
  packed: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const paddedRows = (outHeight - 1) * strideHeight + filterHeight;
  const paddedWidth = (outWidth - 1) * strideWidth + filterWidth;
  const rowStep = (<usize>paddedWidth) << 4;
  const panel = rowStep * paddedRows;
  const step = (<usize>strideWidth) << 4;
  const dyPanel = (<usize>(outHeight * outWidth)) << 4;
  const packedDy = packed + (panel << 2);
  memory.fill(packed, 0, panel << 2);
  memory.fill(dw, 0, pixel * filterHeight * filterWidth);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c += 4) {
      if ((c & 12) == 0) {
        const count = min(16, channels - c);
        packImages(
          x + ((<usize>c) << 2),
          pixel,
          1,
          height,
          width,
          count,
          -padTop,
          padLeft,
          paddedRows,
          paddedWidth,
          1,
          1,
          packed,
          panel,
          panel,
        );
        packImages(
          dy + ((<usize>c) << 2),
          pixel,
          1,
          outHeight,
          outWidth,
          count,
          0,
          0,
          outHeight,
          outWidth,
          1,
          1,
          packedDy,
          dyPanel,
          dyPanel,
        );
      }
      const lanes = min(4, channels - c);
      let to = dw + ((<usize>c) << 2);
      for (let kh = 0; kh < filterHeight; kh++) {
        for (let kw = 0; kw < filterWidth; kw++, to += pixel) {
          let a0 = f32x4.splat(0);
          let a1 = a0,
            a2 = a0,
            a3 = a0;
          let line = packed + panel * ((c & 12) >> 2) + rowStep * kh + ((<usize>kw) << 4);
          let d = packedDy + dyPanel * ((c & 12) >> 2);
          for (let r = 0; r < outHeight; r++, line += rowStep * strideHeight) {
            let p = line;
            let w = outWidth;
            for (; w >= 4; w -= 4, p += 4 * step, d += 64) {
              a0 = f32x4.add(a0, f32x4.mul(v128.load(d), v128.load(p)));
              a1 = f32x4.add(a1, f32x4.mul(v128.load(d, 16), v128.load(p + step)));
              a2 = f32x4.add(a2, f32x4.mul(v128.load(d, 32), v128.load(p + 2 * step)));
              a3 = f32x4.add(a3, f32x4.mul(v128.load(d, 48), v128.load(p + 3 * step)));
            }
            for (; w > 0; w--, p += step, d += 16) {
              a0 = f32x4.add(a0, f32x4.mul(v128.load(d), v128.load(p)));
            }
          }
          const sum = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3));
          let old = f32x4.splat(0);
          if (lanes == 4) old = v128.load(to);
          else {
            old = v128.load32_zero(to);
            if (lanes > 1) old = v128.load32_lane(to + 4, old, 1);
            if (lanes > 2) old = v128.load32_lane(to + 8, old, 2);
          }
          storeLanes(to, f32x4.add(old, sum), lanes);
        }
      }
    }
    x += pixel * height * width;
    dy += pixel * outHeight * outWidth;
  }
}
