/**
 * A convolution with stride 1 in the output, straight from packed pixels. It also computes the gradient of a
 * convolution's input: with the filter flipped and the output gradient spread by the stride.
 */
import { micro4x8 } from './micro_kernel';
import { packColumns, packRows } from './pack';

/**
 * The filter [height, width, inChannels, outChannels], flipped and with its channels swapped, as panels
 * [ceil(inChannels / 8)][taps][outChannels][8].
 */
export function convPackFlipped(
  filter: usize,
  taps: i32,
  inChannels: i32,
  outChannels: i32,
  to: usize,
): void {
  const step = (<usize>outChannels) << 2;
  for (let i = 0; i < inChannels; i += 8) {
    for (let tap = taps - 1; tap >= 0; tap--, to += step << 3) {
      packColumns(
        8,
        filter + step * (tap * inChannels + i),
        step,
        outChannels,
        min(8, inChannels - i),
        to,
        32,
      );
    }
  }
}

/** The filter as panels [ceil(outChannels / 8)][taps][inChannels][8]. */
export function convPackForward(
  filter: usize,
  taps: i32,
  inChannels: i32,
  outChannels: i32,
  to: usize,
): void {
  const step = (<usize>outChannels) << 2;
  const rows = taps * inChannels;
  for (let j = 0; j < outChannels; j += 8, to += (<usize>rows) << 5) {
    packRows(8, filter + ((<usize>j) << 2), step, rows, min(8, outChannels - j), to, 32);
  }
}

/**
 * y [batch, outHeight, outWidth, n] from x [batch, height, width, channels], whose pixels lie
 * spreadHeight and spreadWidth apart; `filter` is packed [ceil(n / 8)][taps][channels][8].
 * packed holds (rows + filterHeight - 1) * channels * (ceil(outWidth / 4) * 4 + filterWidth - 1)
 * floats; spill holds 32.
 */
export function convDirect(
  x: usize,
  filter: usize,
  y: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  n: i32,
  filterHeight: i32,
  filterWidth: i32,
  spreadHeight: i32,
  spreadWidth: i32,
  padTop: i32,
  padLeft: i32,
  rows: i32,
  packed: usize,
  spill: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const outPixel = (<usize>n) << 2;
  const laneStep = (<usize>(((outWidth + 3) & ~3) + filterWidth - 1)) << 2;
  const rowStep = laneStep * channels;
  const panel = (<usize>(filterHeight * filterWidth * channels)) << 5;
  for (let b = 0; b < batch; b++) {
    for (let row0 = 0; row0 < outHeight; row0 += rows) {
      const rowCount = min(rows, outHeight - row0);
      const paddedRows = rowCount + filterHeight - 1;
      memory.fill(packed, 0, rowStep * paddedRows);
      for (let r = 0; r < paddedRows; r++) {
        const spread = row0 + r - padTop;
        if (spread < 0 || spread % spreadHeight) continue;
        const row = spread / spreadHeight;
        if (row < height) {
          packPixels(
            x + pixel * row * width,
            width,
            channels,
            spreadWidth,
            padLeft,
            outWidth + filterWidth - 1,
            packed + rowStep * r,
            laneStep,
          );
        }
      }
      for (let j = 0, weights = filter; j < n; j += 8, weights += panel) {
        for (let r = 0; r < rowCount; r++) {
          for (let w = 0; w < outWidth; w += 4) {
            micro4x8(
              packed + rowStep * r + ((<usize>w) << 2),
              weights,
              filterHeight,
              filterWidth,
              channels,
              rowStep,
              4,
              laneStep,
              y + outPixel * ((row0 + r) * outWidth + w) + ((<usize>j) << 2),
              outPixel,
              0,
              min(4, outWidth - w),
              min(8, n - j),
              spill,
            );
          }
        }
      }
    }
    x += pixel * height * width;
    y += outPixel * outHeight * outWidth;
  }
}

/** One row of pixels [width, channels] into [channels][lanes], from lane padLeft on, spread apart. */
function packPixels(
  x: usize,
  width: i32,
  channels: i32,
  spread: i32,
  padLeft: i32,
  lanes: i32,
  to: usize,
  laneStep: usize,
): void {
  const pixel = (<usize>channels) << 2;
  let w = 0;
  if (spread == 1) {
    w = max(0, -padLeft);
    for (; w + 4 <= width && w + padLeft + 4 <= lanes; w += 4) {
      const target = to + ((<usize>(w + padLeft)) << 2);
      packColumns(4, x + pixel * w, pixel, channels, 4, target, laneStep);
    }
  }
  for (; w < width; w++) {
    const lane = padLeft + w * spread;
    if (lane < 0 || lane >= lanes) continue;
    let target = to + ((<usize>lane) << 2);
    for (let c = 0, p = x + pixel * w; c < channels; c++, p += 4, target += laneStep) {
      store<f32>(target, load<f32>(p));
    }
  }
}
