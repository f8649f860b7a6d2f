/** Reads the only kind of PNG needed here: 8-bit RGB, not interlaced (w3.org/TR/png-3). */
import { inflateSync } from 'node:zlib';
import type { Picture } from '../../display/picture';

const CHANNELS = 3;

/** Decodes such a PNG. It ignores checksums: the caller compares a hash of the whole. */
export function readRgbPng(bytes: Uint8Array): Picture {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.subarray(0, 8).toString('latin1') !== '\x89PNG\r\n\x1a\n') {
    throw new Error('a PNG must begin with the PNG signature');
  }
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = 8; at + 12 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    if (type === 'IHDR') header = body;
    else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND') break;
  }
  // Bit depth 8, color type 2 (RGB), the only compression and filter methods there are, no interlace.
  if (header?.subarray(8).toString('hex') !== '0802000000') {
    throw new Error('a PNG must be 8-bit RGB and not interlaced to be read here');
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const stride = width * CHANNELS;
  const limit = height * (stride + 1);
  const filtered = inflateSync(Buffer.concat(data), { maxOutputLength: limit });
  if (filtered.length !== limit) {
    throw new Error(
      `a PNG of ${width} x ${height} must hold ${limit} bytes, but holds ${filtered.length}`,
    );
  }
  return { width, height, pixels: unfilter(filtered, height, stride) };
}

/** Each row names the neighbor (left, up, upper left) that it was predicted from. */
function unfilter(filtered: Uint8Array, height: number, stride: number): Uint8Array {
  const pixels = new Uint8Array(height * stride);
  const none = new Uint8Array(stride);
  let above = none;
  for (let y = 0; y < height; y++) {
    const stored = filtered.subarray(y * (stride + 1), (y + 1) * (stride + 1));
    const filter = stored[0];
    if (filter > 4) throw new Error(`PNG filters go from 0 to 4, but row ${y} has ${filter}`);
    const row = pixels.subarray(y * stride, (y + 1) * stride);
    for (let x = 0; x < stride; x++) {
      const left = x < CHANNELS ? 0 : row[x - CHANNELS];
      const corner = x < CHANNELS ? 0 : above[x - CHANNELS];
      // Stored modulo 256, as a Uint8Array does automatically.
      row[x] = stored[x + 1] + predict(filter, left, above[x], corner);
    }
    above = row;
  }
  return pixels;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  // Paeth: the neighbor nearest to left + up - corner, ties in this order.
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
