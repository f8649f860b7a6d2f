/**
 * Decodes BMP and PNM (PBM, PGM, PPM) files to red, green and blue as PIL's convert('RGB') does; sharp reads neither.
 */
import { DatasetError } from '../../datasets/dataset_error';

export interface Bitmap {
  /** `[height, width, 3]`, row-major. */
  data: Uint8Array;
  width: number;
  height: number;
}

/** The decoder for a file that begins like this, or undefined for another kind of file. */
export function bitmapDecoder(bytes: Uint8Array): ((bytes: Uint8Array) => Bitmap) | undefined {
  const magic = String.fromCharCode(...bytes.subarray(0, 3));
  if (magic.startsWith('BM')) return decodeBmp;
  return /^P[1-6]\s/.test(magic) ? decodePnm : undefined;
}

const wrong = (what: string) => new DatasetError(what);

/** The most pixels per image: 2^28. PIL also refuses compressed bombs by their size. */
function checkSize(width: number, height: number): void {
  if (!(width > 0 && height > 0 && width * height <= 2 ** 28)) {
    throw wrong(
      `its sides must be positive, with at most 2^28 pixels in total, but are ${width} x ${height}`,
    );
  }
}

/** Pixels of 1, 4 and 8 bits through a palette, of 16, 24 and 32 bits as they are; rows from the bottom up. */
function decodeBmp(bytes: Uint8Array): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 26) throw wrong('it ends within the header of a BMP');
  const [offset, size] = [view.getUint32(10, true), view.getUint32(14, true)];
  const core = size === 12; // of OS/2: sides of 16 bits, a palette of three bytes per color
  if (!core && (size < 40 || bytes.length < 54)) throw wrong('its header is not that of a BMP');
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? 0 : view.getUint32(30, true);
  const height = Math.abs(signed);
  checkSize(width, height);
  const masks = compression === 3 ? [54, 58, 62].map((at) => view.getUint32(at, true)) : undefined;
  if (compression !== 0 && !masks) throw wrong(`BMP compression ${compression} is not supported`);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < offset + stride * height) throw wrong('it ends within the pixels of a BMP');
  const pixel = pixelReader(view, bits, masks, { at: 14 + size, entry: core ? 3 : 4, end: offset });
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const y = signed < 0 ? row : height - 1 - row;
    for (let x = 0; x < width; x++) {
      const color = pixel(offset + row * stride, x);
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = color[c]!;
    }
  }
  return { data, width, height };
}

type Color = readonly [red: number, green: number, blue: number];

/** Returns the pixel in column x of the row that begins at `row`. */
function pixelReader(
  view: DataView,
  bits: number,
  masks: readonly number[] | undefined,
  palette: { at: number; entry: number; end: number },
): (row: number, x: number) => Color {
  const blueFirst = (at: number): Color => [
    view.getUint8(at + 2),
    view.getUint8(at + 1),
    view.getUint8(at),
  ];
  if (bits === 24 && !masks) return (row, x) => blueFirst(row + 3 * x);
  if (bits === 32 && !masks) return (row, x) => blueFirst(row + 4 * x);
  if (bits === 16 || bits === 32) {
    const used = masks ?? [0x7c00, 0x3e0, 0x1f];
    if (used.some((mask) => mask === 0)) throw wrong('the mask of a BMP color must not be 0');
    const shares = used.map((mask) => ({ mask, low: 31 - Math.clz32(mask & -mask) }));
    return (row, x) => {
      const word =
        bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
      const of = ({ mask, low }: { mask: number; low: number }) =>
        Math.floor((((word & mask) >>> low) * 255) / (mask >>> low));
      return shares.map(of) as unknown as Color;
    };
  }
  if (bits !== 1 && bits !== 4 && bits !== 8) throw wrong(`BMP with ${bits} bits is not supported`);
  const colors: Color[] = [];
  for (
    let at = palette.at;
    at + 3 <= palette.end && colors.length < 2 ** bits;
    at += palette.entry
  ) {
    colors.push(blueFirst(at));
  }
  return (row, x) => {
    const byte = view.getUint8(row + ((x * bits) >> 3));
    const index = (byte >> (8 - bits - ((x * bits) & 7))) & (2 ** bits - 1);
    const color = colors[index];
    if (!color) throw wrong(`a BMP pixel has color ${index}, but the palette has ${colors.length}`);
    return color;
  };
}

/** P1 to P3 are text, P4 to P6 bytes; bits, gray values, or red, green and blue. */
function decodePnm(bytes: Uint8Array): Bitmap {
  let at = 2;
  const token = (): number => {
    for (; at < bytes.length; at++) {
      if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 0x0a) at++;
      else if (bytes[at]! > 0x20) break;
    }
    let text = '';
    while (at < bytes.length && bytes[at]! > 0x20 && text.length < 10) {
      text += String.fromCharCode(bytes[at++]!);
    }
    if (!/^\d+$/.test(text))
      throw wrong(`a PNM must have a number at byte ${at}, but has '${text}'`);
    return Number(text);
  };
  const kind = bytes[1]! - 0x30;
  const [isBits, isText, channels] = [kind % 3 === 1, kind < 4, kind % 3 === 0 ? 3 : 1];
  const [width, height] = [token(), token()];
  checkSize(width, height);
  const most = isBits ? 1 : token();
  if (!(most >= 1 && most <= 65535))
    throw wrong(`a PNM's largest value must be from 1 to 65535, but is ${most}`);
  if (!isText) at++; // one white space
  const wide = most > 255 ? 2 : 1;
  const count = width * height * channels;
  const needed = isBits ? Math.ceil(width / 8) * height : count * wide;
  if (!isText && bytes.length < at + needed) throw wrong('it ends within the pixels of a PNM');
  const valueAt = (i: number): number => {
    if (isText) return isBits ? bit() : token();
    if (!isBits)
      return wide === 1 ? bytes[at + i]! : 256 * bytes[at + 2 * i]! + bytes[at + 2 * i + 1]!;
    const [x, y] = [i % width, Math.floor(i / width)];
    return (bytes[at + y * Math.ceil(width / 8) + (x >> 3)]! >> (7 - (x & 7))) & 1;
  };
  /** Digits of P1 need no space in between. */
  const bit = (): number => {
    while (at < bytes.length && bytes[at] !== 0x30 && bytes[at] !== 0x31) at++;
    if (at >= bytes.length) throw wrong('it ends within the pixels of a PNM');
    return bytes[at++]! - 0x30;
  };
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < count; i++) {
    const byte = eightBits(valueAt(i), most, isBits, channels);
    if (channels === 3) data[i] = byte;
    else data.fill(byte, 3 * i, 3 * i + 3);
  }
  return { data, width, height };
}

/** PIL keeps gray values of 16 bits, and clips them at 255 for RGB; it scales all others. */
function eightBits(value: number, most: number, isBits: boolean, channels: number): number {
  if (isBits) return value === 1 ? 0 : 255;
  const isWide = channels === 1 && most > 255;
  const scaled = (Math.min(value, most) / most) * (isWide ? 65535 : 255);
  const whole = Math.floor(scaled);
  const rest = scaled - whole; // Python rounds halves to even
  const rounded = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
  return Math.min(255, rounded);
}
