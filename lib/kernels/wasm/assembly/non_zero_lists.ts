/**
 * Lists the non-zeros of each channel for the gradient of a filter. An entry is a pixel's place in the panel, and its
 * value. `ends` gets where each channel's list ends.
 */

/** Bytes of a pixel's strip in the panel, and of an entry. */
export const PIXEL = 128;
export const ENTRY = 8;
/** The bits of a float32 of 1. */
export const ONE = 0x3f800000;

/**
 * Lists four channels side by side without a branch: the next entry overwrites one that is zero. Returns whether all
 * listed values are 1.
 */
function list4(
  x: usize,
  xPixel: usize,
  images: i32,
  imageStep: usize,
  rows: i32,
  width: i32,
  panelRows: i32,
  panelWidth: i32,
  list: usize,
  listStep: usize,
  ends: usize,
): bool {
  const zero = f32x4.splat(0);
  const one = i32x4.splat(ONE);
  let others = zero;
  let l0 = list;
  let l1 = l0 + listStep;
  let l2 = l1 + listStep;
  let l3 = l2 + listStep;
  for (let b = 0; b < images; b++, x += imageStep) {
    let p = x;
    for (let r = 0; r < rows; r++) {
      let place = (b * panelRows + r) * panelWidth * PIXEL;
      for (let w = 0; w < width; w++, p += xPixel, place += PIXEL) {
        const value = v128.load(p);
        const listed = f32x4.ne(value, zero);
        others = v128.or(others, v128.and(listed, v128.xor(value, one)));
        const mask = i32x4.bitmask(listed);
        store<i32>(l0, place);
        v128.store32_lane(l0, value, 0, 4);
        l0 += (mask << 3) & 8;
        store<i32>(l1, place);
        v128.store32_lane(l1, value, 1, 4);
        l1 += (mask << 2) & 8;
        store<i32>(l2, place);
        v128.store32_lane(l2, value, 2, 4);
        l2 += (mask << 1) & 8;
        store<i32>(l3, place);
        v128.store32_lane(l3, value, 3, 4);
        l3 += mask & 8;
      }
    }
  }
  store<usize>(ends, l0);
  store<usize>(ends, l1, 4);
  store<usize>(ends, l2, 8);
  store<usize>(ends, l3, 12);
  return !v128.any_true(others);
}

/** Lists one channel; returns whether all listed values are 1. */
function list1(
  x: usize,
  xPixel: usize,
  images: i32,
  imageStep: usize,
  rows: i32,
  width: i32,
  panelRows: i32,
  panelWidth: i32,
  list: usize,
  ends: usize,
): bool {
  let others = 0;
  for (let b = 0; b < images; b++, x += imageStep) {
    let p = x;
    for (let r = 0; r < rows; r++) {
      let place = (b * panelRows + r) * panelWidth * PIXEL;
      for (let w = 0; w < width; w++, p += xPixel, place += PIXEL) {
        const value = load<f32>(p);
        store<i32>(list, place);
        store<f32>(list, value, 4);
        const isListed = value != 0;
        others |= isListed ? reinterpret<i32>(value) ^ ONE : 0;
        list += (<usize>isListed) << 3;
      }
    }
  }
  store<usize>(ends, list);
  return others == 0;
}

/** Appends all spikes that are stored as bits to the lists that end at `ends` to `last`: entries without values. */
function listBits(
  x: usize,
  images: i32,
  imageStep: usize,
  rows: i32,
  width: i32,
  panelRows: i32,
  panelWidth: i32,
  ends: usize,
  last: usize,
): void {
  for (let b = 0; b < images; b++, x += imageStep) {
    let p = x;
    for (let r = 0; r < rows; r++) {
      let place = (b * panelRows + r) * panelWidth * PIXEL;
      for (let w = 0; w < width; w++, place += PIXEL) {
        for (let to = ends; to < last; to += 64, p += 2) {
          for (let mask = <u32>load<u16>(p); mask != 0; mask &= mask - 1) {
            const at = to + ((<usize>ctz(mask)) << 2);
            const list = load<usize>(at);
            store<i32>(list, place);
            store<usize>(at, list + ENTRY);
          }
        }
      }
    }
  }
}

/**
 * Lists all channels, of numbers, or of bits if `packed` (16 by 16 channels); returns whether all that are not zero are
 * 1.
 */
export function listNonZeros(
  x: usize,
  packed: bool,
  channels: i32,
  images: i32,
  imageStep: usize,
  rows: i32,
  width: i32,
  panelRows: i32,
  panelWidth: i32,
  lists: usize,
  listStep: usize,
  ends: usize,
): bool {
  if (packed) {
    const last = ends + ((<usize>channels) << 2);
    for (let to = ends; to < last; to += 4, lists += listStep) store<usize>(to, lists);
    listBits(x, images, imageStep, rows, width, panelRows, panelWidth, ends, last);
    return true;
  }
  const xPixel = (<usize>channels) << 2;
  let ones: bool = true;
  let c = 0;
  for (; c + 4 <= channels; c += 4, x += 16, lists += 4 * listStep, ends += 16) {
    const allOnes = list4(
      x,
      xPixel,
      images,
      imageStep,
      rows,
      width,
      panelRows,
      panelWidth,
      lists,
      listStep,
      ends,
    );
    ones = ones && allOnes;
  }
  for (; c < channels; c++, x += 4, lists += listStep, ends += 4) {
    const allOnes = list1(
      x,
      xPixel,
      images,
      imageStep,
      rows,
      width,
      panelRows,
      panelWidth,
      lists,
      ends,
    );
    ones = ones && allOnes;
  }
  return ones;
}
