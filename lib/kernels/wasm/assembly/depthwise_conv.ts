/**
 * Depthwise convolutions and the gradients of their filters. A group of an image's channels is packed with its padding,
 * and a tap is an offset into that. The gradient of the input is a convolution too, as in conv_direct.ts.
 */
import { packImages } from './pack';

/** Stores the first `count` lanes, or adds them to the numbers there. */
function putLanes(to: usize, value: v128, count: i32, add: i32): void {
  if (count == 4) {
    v128.store(to, add ? f32x4.add(v128.load(to), value) : value);
    return;
  }
  for (; count > 0; count--, to += 4) {
    const lane = f32x4.extract_lane(value, 0);
    store<f32>(to, add ? load<f32>(to) + lane : lane);
    value = i32x4.shuffle(value, value, 1, 2, 3, 0);
  }
}

/**
 * y [batch, outHeight, outWidth, channels] from x [batch, height, width, channels], whose pixels lie
 * spreadHeight and spreadWidth apart; `filter` is packed [ceil(channels / 8)][taps][8]. group, a multiple of
 * 4, is how many channels are packed at once: packed holds group * ((outHeight - 1) * strideHeight +
 * filterHeight) * ((ceil(outWidth / 4) * 4 - 1) * strideWidth + filterWidth) floats.
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
  group: i32,
  packed: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const paddedRows = (outHeight - 1) * strideHeight + filterHeight;
  const paddedWidth = (((outWidth + 3) & ~3) - 1) * strideWidth + filterWidth;
  const rowStep = (<usize>paddedWidth) << 4;
  const panel = rowStep * paddedRows;
  const step = (<usize>strideWidth) << 4;
  const taps = <usize>(filterHeight * filterWidth);
  memory.fill(packed, 0, panel * (group >> 2));
  for (let b = 0; b < batch; b++) {
    for (let first = 0; first < channels; first += group) {
      const end = min(first + group, channels);
      packImages(
        x + ((<usize>first) << 2),
        pixel,
        1,
        height,
        width,
        end - first,
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
      for (let r = 0; r < outHeight; r++) {
        let from = packed + rowStep * (r * strideHeight);
        for (let c = first; c < end; c += 4, from += panel) {
          const weights = filter + taps * ((<usize>(c & ~7)) << 2) + ((<usize>(c & 4)) << 2);
          let to = y + pixel * (r * outWidth) + ((<usize>c) << 2);
          for (let w = 0, x0 = from; w < outWidth; w += 4, x0 += 4 * step, to += 4 * pixel) {
            let a0 = f32x4.splat(0);
            let a1 = a0,
              a2 = a0,
              a3 = a0;
            let tap = weights;
            for (let kh = 0, row = x0; kh < filterHeight; kh++, row += rowStep) {
              for (let kw = 0, p = row; kw < filterWidth; kw++, p += 16, tap += 32) {
                const weight = v128.load(tap);
                a0 = f32x4.add(a0, f32x4.mul(weight, v128.load(p)));
                a1 = f32x4.add(a1, f32x4.mul(weight, v128.load(p + step)));
                a2 = f32x4.add(a2, f32x4.mul(weight, v128.load(p + 2 * step)));
                a3 = f32x4.add(a3, f32x4.mul(weight, v128.load(p + 3 * step)));
              }
            }
            const lanes = min(4, end - c);
            putLanes(to, a0, lanes, 0);
            if (w + 1 < outWidth) putLanes(to + pixel, a1, lanes, 0);
            if (w + 2 < outWidth) putLanes(to + 2 * pixel, a2, lanes, 0);
            if (w + 3 < outWidth) putLanes(to + 3 * pixel, a3, lanes, 0);
          }
        }
      }
    }
    x += pixel * height * width;
    y += pixel * outHeight * outWidth;
  }
}

/**
 * dw [filterHeight, filterWidth, channels] from x and dy. packed holds group * (((outHeight - 1) * strideHeight
 * + filterHeight) * ((outWidth - 1) * strideWidth + filterWidth) + outHeight * outWidth) floats.
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
  group: i32,
  packed: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const paddedRows = (outHeight - 1) * strideHeight + filterHeight;
  const paddedWidth = (outWidth - 1) * strideWidth + filterWidth;
  const rowStep = (<usize>paddedWidth) << 4;
  const panel = rowStep * paddedRows;
  const step = (<usize>strideWidth) << 4;
  const dyPanel = (<usize>(outHeight * outWidth)) << 4;
  const packedDy = packed + panel * (group >> 2);
  memory.fill(packed, 0, panel * (group >> 2));
  memory.fill(dw, 0, pixel * filterHeight * filterWidth);
  for (let b = 0; b < batch; b++) {
    for (let first = 0; first < channels; first += group) {
      const end = min(first + group, channels);
      const offset = (<usize>first) << 2;
      packImages(
        x + offset,
        pixel,
        1,
        height,
        width,
        end - first,
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
        dy + offset,
        pixel,
        1,
        outHeight,
        outWidth,
        end - first,
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
      for (let c = first, from = packed, fromDy = packedDy; c < end; c += 4) {
        let to = dw + ((<usize>c) << 2);
        for (let kh = 0; kh < filterHeight; kh++) {
          for (let kw = 0; kw < filterWidth; kw++, to += pixel) {
            let a0 = f32x4.splat(0);
            let a1 = a0,
              a2 = a0,
              a3 = a0;
            let row = from + rowStep * kh + ((<usize>kw) << 4);
            let d = fromDy;
            for (let r = 0; r < outHeight; r++, row += rowStep * strideHeight) {
              let p = row;
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
            putLanes(to, sum, min(4, end - c), 1);
          }
        }
        from += panel;
        fromDy += dyPanel;
      }
    }
    x += pixel * height * width;
    dy += pixel * outHeight * outWidth;
  }
}
