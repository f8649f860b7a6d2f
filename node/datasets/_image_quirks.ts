/** Detects, by their bytes, image files that sharp and PIL decode differently, to refuse or repair them. */

/** The first value of each tag of a TIFF's first image, by number; empty if they cannot be found. */
function tiffTags(bytes: Buffer): Map<number, number> {
  const little = bytes[0] === 0x49;
  const short = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const long = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const tags = new Map<number, number>();
  const big = short(2) === 43; // BigTIFF: offsets and counts of 8 bytes
  const directory = big ? long(little ? 8 : 12) : long(4);
  const [counter, size, value] = big ? [8, 20, 12] : [2, 12, 8];
  for (let at = directory + counter; at + size <= bytes.length; at += size) {
    if ((at - directory - counter) / size >= short(big && !little ? directory + 6 : directory))
      break;
    const isLong = short(at + 2) === 4;
    tags.set(short(at), isLong ? long(at + value) : short(at + value));
  }
  return tags;
}

/** The reason why sharp would decode a TIFF differently from PIL; undefined if it would not. */
export function oddTiff(
  bytes: Buffer,
  { depth, space }: { depth: string; space: string },
): string | undefined {
  const tags = tiffTags(bytes);
  const [photometric, compression, extra] = [tags.get(262), tags.get(259), tags.get(338)];
  if (photometric === 6 && compression !== 6 && compression !== 7) return 'YCbCr without JPEG';
  if (photometric === 0 && depth === 'ushort') return '16 bits with white as 0';
  if (extra === 1) return 'premultiplied alpha';
  if (depth === 'char') return 'signed bytes';
  if (space === 'cmyk' && depth !== 'uchar') return 'CMYK of more than 8 bits';
  if ((tags.get(274) ?? 1) > 1 && (space === 'cmyk' || depth !== 'uchar')) {
    return 'CMYK or more than 8 bits, with a rotation mark';
  }
  if (photometric === 2 && depth === 'float') return 'RGB as floats';
  return undefined;
}

/**
 * A GIF whose transparent pixels have the colors of their palette, as in PIL's convert('RGB'); sharp makes them black.
 * Undefined if its first image is smaller than the whole.
 */
export function opaqueGif(gif: Buffer): Buffer | undefined {
  const bytes = Buffer.from(gif);
  const table = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10]!);
  while (bytes[at] === 0x21) {
    if (bytes[at + 1] === 0xf9) bytes[at + 3]! &= ~1; // graphic control: there is a transparent color
    for (at += 2; bytes[at]; at += bytes[at]! + 1);
    at++;
  }
  const whole = bytes
    .subarray(at + 1, at + 9)
    .equals(Buffer.from([0, 0, 0, 0, ...bytes.subarray(6, 10)]));
  return bytes[at] !== 0x2c || whole ? bytes : undefined; // sharp refuses what is not an image.
}

/** Whether a PNG holds 16 bits of gray without alpha: sharp turns a transparent gray into alpha. */
export function isGray16Png(bytes: Buffer): boolean {
  return bytes[24] === 16 && bytes[25] === 0;
}
