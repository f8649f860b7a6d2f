/**
 * Winograd's convolution F(4 x 4, 3 x 3) (arXiv 1509.09308): 36 products instead of 144 for a tile of 4 x 4 pixels of
 * a channel. Its points 0, +-5/8, +-3/2 and infinity round about as a direct sum does; +-1 and +-2 would lose three
 * more bits. All factors but those of the filter are exact. There are at least four numbers of everything: the last
 * vector may overlap the one before.
 */
import { matMul } from './mat_mul';

/** Numbers of a transformed tile: 6 x 6. */
const POINTS: usize = 36;
/** Bytes of six vectors: a row of the buffer. */
const ROW: usize = 96;

@inline
function times(factor: f32, value: v128): v128 {
  return f32x4.mul(f32x4.splat(factor), value);
}

/** Stores the values of a filter's row at the six points, the last being its leading coefficient. */
@inline
function filter6(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  const near = times(-0.6884033613445378, f32x4.add(g0, times(0.390625, g2)));
  const nearOdd = times(-0.4302521008403361, g1);
  const far = times(0.11951447245564893, f32x4.add(g0, times(2.25, g2)));
  const farOdd = times(0.1792717086834734, g1);
  v128.store(to, times(1.1377777777777778, g0));
  v128.store(to + step, f32x4.add(near, nearOdd));
  v128.store(to + 2 * step, f32x4.sub(near, nearOdd));
  v128.store(to + 3 * step, f32x4.add(far, farOdd));
  v128.store(to + 4 * step, f32x4.sub(far, farOdd));
  v128.store(to + 5 * step, g2);
}

@inline
function filterTile(filter: usize, tap: usize, to: usize, step: usize, buffer: usize): void {
  for (let c: usize = 0; c < 3; c++) {
    const from = filter + tap * (8 - c);
    const g0 = v128.load(from);
    const g1 = v128.load(from - 3 * tap);
    filter6(g0, g1, v128.load(from - 6 * tap), buffer + (c << 4), ROW);
  }
  for (let r = 0; r < 6; r++, buffer += ROW, to += 6 * step) {
    filter6(v128.load(buffer), v128.load(buffer, 16), v128.load(buffer, 32), to, step);
  }
}

/** The filter [3, 3, count], flipped, as [36][count] at `to`. buffer holds 36 vectors. */
export function winogradFilter(filter: usize, count: i32, to: usize, buffer: usize): void {
  const tap = (<usize>count) << 2;
  for (let i: usize = 0; i < tap; i += 16) {
    const at = min(i, tap - 16);
    filterTile(filter + at, tap, to + at, tap, buffer);
  }
}

@inline
function input6(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  to: usize,
  step: usize,
): void {
  const near = f32x4.sub(d4, times(2.25, d2));
  const nearOdd = times(0.625, f32x4.sub(d3, times(2.25, d1)));
  const far = f32x4.sub(d4, times(0.390625, d2));
  const farOdd = times(1.5, f32x4.sub(d3, times(0.390625, d1)));
  const first = f32x4.sub(times(0.87890625, d0), times(2.640625, d2));
  const last = f32x4.sub(times(0.87890625, d1), times(2.640625, d3));
  v128.store(to, f32x4.add(first, d4));
  v128.store(to + step, f32x4.add(near, nearOdd));
  v128.store(to + 2 * step, f32x4.sub(near, nearOdd));
  v128.store(to + 3 * step, f32x4.add(far, farOdd));
  v128.store(to + 4 * step, f32x4.sub(far, farOdd));
  v128.store(to + 5 * step, f32x4.add(last, d5));
}

/** 6 x 6 pixels, given by their addresses, `at` bytes into each, to 36 places. */
@inline
function inputTile(pixels: usize, at: usize, to: usize, step: usize, buffer: usize): void {
  for (let c: usize = 0; c < 6; c++) {
    const p = pixels + (c << 2);
    input6(
      v128.load(load<usize>(p) + at),
      v128.load(load<usize>(p, 24) + at),
      v128.load(load<usize>(p, 48) + at),
      v128.load(load<usize>(p, 72) + at),
      v128.load(load<usize>(p, 96) + at),
      v128.load(load<usize>(p, 120) + at),
      buffer + (c << 4),
      ROW,
    );
  }
  for (let r = 0; r < 6; r++, buffer += ROW, to += 6 * step) {
    input6(
      v128.load(buffer),
      v128.load(buffer, 16),
      v128.load(buffer, 32),
      v128.load(buffer, 48),
      v128.load(buffer, 64),
      v128.load(buffer, 80),
      to,
      step,
    );
  }
}

/** Stores the four sums of a row from its six products. */
@inline
function output4(
  m0: v128,
  m1: v128,
  m2: v128,
  m3: v128,
  m4: v128,
  m5: v128,
  to: usize,
  step: usize,
): void {
  const near = f32x4.add(m1, m2);
  const nearOdd = f32x4.sub(m1, m2);
  const far = f32x4.add(m3, m4);
  const farOdd = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(m0, near), far));
  v128.store(to + step, f32x4.add(times(0.625, nearOdd), times(1.5, farOdd)));
  v128.store(to + 2 * step, f32x4.add(times(0.390625, near), times(2.25, far)));
  const cubes = f32x4.add(times(0.244140625, nearOdd), times(3.375, farOdd));
  v128.store(to + 3 * step, f32x4.add(cubes, m5));
}

/** 36 products to 4 x 4 pixels, given by their addresses, `at` bytes into each. */
@inline
function outputTile(from: usize, step: usize, pixels: usize, at: usize, buffer: usize): void {
  const down = 6 * step;
  for (let c: usize = 0; c < 6; c++, from += step) {
    output4(
      v128.load(from),
      v128.load(from + down),
      v128.load(from + 2 * down),
      v128.load(from + 3 * down),
      v128.load(from + 4 * down),
      v128.load(from + 5 * down),
      buffer + (c << 4),
      ROW,
    );
  }
  // Each row's four sums take the place of its first four vectors.
  for (let r = 0; r < 4; r++, buffer += ROW, pixels += 16) {
    output4(
      v128.load(buffer),
      v128.load(buffer, 16),
      v128.load(buffer, 32),
      v128.load(buffer, 48),
      v128.load(buffer, 64),
      v128.load(buffer, 80),
      buffer,
      16,
    );
    for (let c: usize = 0; c < 4; c++) {
      v128.store(load<usize>(pixels + (c << 2)) + at, v128.load(buffer + (c << 4)));
    }
  }
}

/** The addresses of size x size pixels of an image from a row and a column on, or `outside`. */
function listPixels(
  image: usize,
  pixel: usize,
  height: i32,
  width: i32,
  row: i32,
  column: i32,
  size: i32,
  outside: usize,
  to: usize,
): void {
  for (let r = row; r < row + size; r++) {
    for (let c = column; c < column + size; c++, to += 4) {
      const inside = r >= 0 && r < height && c >= 0 && c < width;
      store<usize>(to, inside ? image + pixel * (r * width + c) : outside);
    }
  }
}

/**
 * y [batch, outHeight, outWidth, n] from x [batch, height, width, channels] and a filter [36][n, channels] by
 * `winogradFilter`, with stride 1. Computes `tiles` tiles at a time; their inputs and products lie in v and m, [36]
 * matrices of [tiles, channels] and [tiles, n], vStep and mStep bytes apart. outside holds max(channels, n) numbers;
 * pixels and buffer hold 36 addresses and 36 vectors; the rest is for `matMul`.
 */
export function winogradConv(
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
  padTop: i32,
  padLeft: i32,
  tiles: i32,
  v: usize,
  vStep: usize,
  m: usize,
  mStep: usize,
  outside: usize,
  pixels: usize,
  buffer: usize,
  scratch: usize,
  blockM: i32,
  blockN: i32,
  blockK: i32,
): void {
  const across = (outWidth + 3) >> 2;
  const perImage = ((outHeight + 3) >> 2) * across;
  const pixel = (<usize>channels) << 2;
  const outPixel = (<usize>n) << 2;
  const total = batch * perImage;
  for (let first = 0; first < total; first += tiles) {
    const end = min(total, first + tiles);
    memory.fill(outside, 0, pixel);
    for (let t = first, to = v; t < end; t++, to += pixel) {
      const b = t / perImage;
      const row = ((t % perImage) / across) * 4 - padTop;
      const column = ((t % perImage) % across) * 4 - padLeft;
      const image = x + pixel * (b * height * width);
      listPixels(image, pixel, height, width, row, column, 6, outside, pixels);
      for (let i: usize = 0; i < pixel; i += 16) {
        const at = min(i, pixel - 16);
        inputTile(pixels, at, to + at, vStep, buffer);
      }
    }
    for (let i: usize = 0; i < POINTS; i++) {
      matMul(
        v + vStep * i,
        filter + outPixel * channels * i,
        m + mStep * i,
        end - first,
        n,
        channels,
        0,
        1,
        scratch,
        blockM,
        blockN,
        blockK,
      );
    }
    for (let t = first, from = m; t < end; t++, from += outPixel) {
      const b = t / perImage;
      const row = ((t % perImage) / across) * 4;
      const column = ((t % perImage) % across) * 4;
      const image = y + outPixel * (b * outHeight * outWidth);
      listPixels(image, outPixel, outHeight, outWidth, row, column, 4, outside, pixels);
      for (let i: usize = 0; i < outPixel; i += 16) {
        const at = min(i, outPixel - 16);
        outputTile(from + at, mStep, pixels, at, buffer);
      }
    }
  }
}
