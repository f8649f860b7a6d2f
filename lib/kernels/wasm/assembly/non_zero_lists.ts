/**
 * Lists the non-zeros of each channel for the gradient of a filter. An entry is a pixel's place in the panel, and its
 * value.
 */

/** Bytes of a pixel's strip in the panel, and of an entry. */
export const PIXEL = 128;
export const ENTRY = 8;

/** Lists four channels side by side without a branch: the next entry overwrites one that is zero. */
export function list4(
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
  counts: usize,
): void {
  const zero = f32x4.splat(0);
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
        const mask = i32x4.bitmask(f32x4.ne(value, zero));
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
  store<u32>(counts, <u32>(l0 - list) / ENTRY);
  store<u32>(counts, <u32>(l1 - list - listStep) / ENTRY, 4);
  store<u32>(counts, <u32>(l2 - list - 2 * listStep) / ENTRY, 8);
  store<u32>(counts, <u32>(l3 - list - 3 * listStep) / ENTRY, 12);
}

/** Lists one channel. */
export function list1(
  x: usize,
  xPixel: usize,
  images: i32,
  imageStep: usize,
  rows: i32,
  width: i32,
  panelRows: i32,
  panelWidth: i32,
  list: usize,
  count: usize,
): void {
  const start = list;
  for (let b = 0; b < images; b++, x += imageStep) {
    let p = x;
    for (let r = 0; r < rows; r++) {
      let place = (b * panelRows + r) * panelWidth * PIXEL;
      for (let w = 0; w < width; w++, p += xPixel, place += PIXEL) {
        const value = load<f32>(p);
        store<i32>(list, place);
        store<f32>(list, value, 4);
        list += (<usize>(value != 0)) << 3;
      }
    }
  }
  store<u32>(count, <u32>(list - start) / ENTRY);
}
