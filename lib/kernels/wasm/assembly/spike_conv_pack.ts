/** Packs a filter for `spikeConv`, and checks it on the way. */
import { packRows } from './pack';
import { areFinite } from './sparse_filter_grad';

/** Output channels of a strip, and the bytes of its rows. */
const STRIP = 32;
const ROW = 128;
/** Strips that a row is copied to at a time: more would compete for the same places in the caches. */
const STRIPS = 8;

/**
 * The filter [rows, outChannels] into strips [ceil(outChannels / 32)][rows][32]. Returns whether no number is NaN or
 * infinite, which costs nothing while they pass. It reads each row in pieces of up to eight strips, which lie side by
 * side in memory.
 */
export function spikeConvPack(filter: usize, rows: i32, outChannels: i32, to: usize): bool {
  const step = (<usize>outChannels) << 2;
  const strip = <usize>(rows * ROW);
  let sums = f32x4.splat(0);
  let j = 0;
  while (j + STRIP <= outChannels) {
    const strips = min(STRIPS, (outChannels - j) / STRIP);
    const next = to + strip * strips;
    let from = filter + ((<usize>j) << 2);
    for (let row = to; row < to + strip; row += ROW, from += step) {
      let source = from;
      for (let at = row; at < next; at += strip, source += ROW) {
        sums = f32x4.add(sums, f32x4.add(copy16(source, at), copy16(source + 64, at + 64)));
      }
    }
    to = next;
    j += strips * STRIP;
  }
  if (j < outChannels) {
    for (let lane = 0; lane < STRIP; lane += 8) {
      const at = (<usize>lane) << 2;
      const from = filter + ((<usize>j) << 2) + at;
      packRows(8, from, step, rows, max(0, min(8, outChannels - j - lane)), to + at, ROW);
    }
    if (!areFinite(to, rows * STRIP)) return false;
  }
  return !v128.any_true(f32x4.ne(sums, sums));
}

/** Copies 16 numbers; returns a sum of 0 times each of them, NaN if one is NaN or infinite. */
@inline
function copy16(from: usize, to: usize): v128 {
  const zero = f32x4.splat(0);
  const v0 = v128.load(from);
  const v1 = v128.load(from, 16);
  const v2 = v128.load(from, 32);
  const v3 = v128.load(from, 48);
  v128.store(to, v0);
  v128.store(to, v1, 16);
  v128.store(to, v2, 32);
  v128.store(to, v3, 48);
  return f32x4.add(
    f32x4.add(f32x4.mul(v0, zero), f32x4.mul(v1, zero)),
    f32x4.add(f32x4.mul(v2, zero), f32x4.mul(v3, zero)),
  );
}
