/** How the addresses of each camera's AEDAT 2.0 files are read: a loop per camera. */
import type { EventWriter } from './_event_decoder';
import type { SensorName } from './events';

/** Bytes of an address and its time. */
export const RECORD = 8;

/** How a camera's addresses are read. Masks are signed (`| 0`): a loop over int32 is twice as fast. */
export interface Layout {
  /** A word with one of these bits is no polarity event: APS, IMU, external input. */
  other: number;
  /** No word has one of these bits; `bits` says which it may have. */
  never: number;
  bits: number;
  /** Fills x, y and p from the words at `start` and on, up to the first that is no event; returns how many. */
  fill(view: DataView, start: number, room: number, writer: EventWriter): number;
  /** Whether every address lies on the sensor. */
  alwaysInside: boolean;
}

// One loop a camera, with its masks written out: looked up, they take a third longer.

/** Polarity in bit 0, x in bits 1 to 7, y in bits 8 to 14. */
const dvs: Layout = {
  other: 0x8000,
  never: 0xffff0000 | 0,
  bits: 16,
  fill: (view, start, room, { x, y, p, length }) => fillDvs(view, start, room, x, y, p, length, 0),
  alwaysInside: true,
};
/** The axes exchanged, and all three turned on their heads: 127 - x is x ^ 127. */
const cifar10Dvs: Layout = {
  ...dvs,
  fill: (view, start, room, { x, y, p, length }) =>
    fillDvs(view, start, room, y, x, p, length, 0x7fff),
};

function fillDvs(
  view: DataView,
  start: number,
  room: number,
  low: Uint16Array,
  high: Uint16Array,
  p: Uint8Array,
  from: number,
  flip: number,
): number {
  let i = 0;
  for (let at = start, to = from; i < room; i++, at += RECORD, to++) {
    const address = view.getInt32(at);
    if ((address & ~0x7fff) !== 0) break;
    const bits = address ^ flip;
    low[to] = (bits >> 1) & 0x7f;
    high[to] = (bits >> 8) & 0x7f;
    p[to] = bits & 1;
  }
  return i;
}

/** Polarity in bit 11, x in bits 12 to 21, y in bits 22 to 30: more than any of these sensors has. */
const davis: Layout = {
  other: 0x80000400 | 0,
  never: 0,
  bits: 32,
  fill(view, start, room, { x, y, p, length }) {
    let i = 0;
    for (let at = start, to = length; i < room; i++, at += RECORD, to++) {
      const address = view.getInt32(at);
      if ((address & 0x80000400) !== 0) break;
      x[to] = (address >> 12) & 0x3ff;
      y[to] = (address >> 22) & 0x1ff;
      p[to] = (address >> 11) & 1;
    }
    return i;
  },
  alwaysInside: false,
};

/** Polarity in bit 0, x in bits 1 to 10, y in bits 11 to 20. */
const dvs640: Layout = {
  other: 0,
  never: 0xffe00000 | 0,
  bits: 21,
  fill(view, start, room, { x, y, p, length }) {
    let i = 0;
    for (let at = start, to = length; i < room; i++, at += RECORD, to++) {
      const address = view.getInt32(at);
      if ((address & 0xffe00000) !== 0) break;
      x[to] = (address >> 1) & 0x3ff;
      y[to] = (address >> 11) & 0x3ff;
      p[to] = address & 1;
    }
    return i;
  },
  alwaysInside: false,
};

/** By camera, and by axes. */
export const layouts: Readonly<Record<SensorName | 'cifar10dvs', Layout>> = {
  dvs128: dvs,
  cifar10dvs: cifar10Dvs,
  davis240: davis,
  davis346: davis,
  davis640: davis,
  dvs640,
};
