/** Image files to the pixels that PIL's convert('RGB') has of them; sharp, an optional peer, decodes all but bitmaps. */
import fs from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import type Sharp from 'sharp';
import { DatasetError } from '../datasets/dataset_error';
import { type Bitmap, bitmapDecoder } from './_bitmaps';

/** Names of files that are read, by their ends. */
export const imageExtensions = [
  ...['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif'],
  ...['.bmp', '.pbm', '.pgm', '.ppm', '.pnm'],
];

/**
 * Red, green and blue of an image file, row-major. Color profiles and rotation marks are not
 * applied, as PIL does not apply them. What sharp and PIL would make different pixels of is refused.
 *
 * @throws DatasetError if it is no image, not a whole one, or of a kind that is refused
 */
export async function decodeImage(path: string): Promise<Bitmap> {
  const bytes = await fs.readFile(path);
  try {
    const decode = bitmapDecoder(bytes);
    return decode ? decode(bytes) : await decodeBySharp(await loadSharp(), bytes);
  } catch (error) {
    if (error instanceof MissingSharpError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatasetError(`${path} is no image that can be decoded: ${reason}`, { cause: error });
  }
}

async function decodeBySharp(sharp: typeof Sharp, bytes: Buffer): Promise<Bitmap> {
  const image = sharp(bytes, { ignoreIcc: true, failOn: 'error' });
  const { space, format, channels } = await image.metadata();
  if (format === 'heif') throw refused('AVIF and HEIF');
  if (space === 'lab') throw refused('CIELAB');
  if (format === 'tiff' && isRawYCbCr(bytes)) throw refused('TIFF of YCbCr without JPEG');
  if (space === 'cmyk') return decodeCmyk(image);
  if (space === 'grey16' && channels === 1) return decodeGrey16(image);
  const rgb = image.toColourspace('srgb').removeAlpha().raw();
  const { data, info } = await rgb.toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

const refused = (what: string) =>
  new Error(`${what} would get other pixels than PIL gives: convert it to PNG first`);

/** Without a profile: what a color leaves of white, times what black leaves of it. */
async function decodeCmyk(image: Sharp.Sharp): Promise<Bitmap> {
  const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw();
  const { data, info } = await inks.toBuffer({ resolveWithObject: true });
  const out = new Uint8Array(info.width * info.height * 3);
  for (let from = 0, to = 0; to < out.length; from += 4) {
    const white = 255 - data[from + 3]!;
    // The product over 255, rounded in integers.
    for (let c = 0; c < 3; c++) {
      const product = data[from + c]! * white + 128;
      out[to++] = white - (((product >> 8) + product) >> 8);
    }
  }
  return { data: out, width: info.width, height: info.height };
}

/** PIL cuts 16 bits of gray off at 255. */
async function decodeGrey16(image: Sharp.Sharp): Promise<Bitmap> {
  const gray = image.toColourspace('grey16').raw({ depth: 'ushort' });
  const { data, info } = await gray.toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const out = new Uint8Array(3 * values.length);
  values.forEach((value, i) => void out.fill(Math.min(255, value), 3 * i, 3 * i + 3));
  return { data: out, width: info.width, height: info.height };
}

/** Whether a TIFF's first image holds YCbCr that JPEG does not decode: sharp takes it for RGB. */
function isRawYCbCr(bytes: Buffer): boolean {
  const little = bytes[0] === 0x49;
  const short = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const directory = little ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  if (short(2) !== 42 || directory + 2 > bytes.length) return false;
  const tags = new Map<number, number>();
  for (
    let i = 0, at = directory + 2;
    i < short(directory) && at + 12 <= bytes.length;
    i++, at += 12
  ) {
    tags.set(short(at), short(at + 8));
  }
  const [photometric, compression] = [tags.get(262), tags.get(259)];
  return photometric === 6 && compression !== 6 && compression !== 7;
}

class MissingSharpError extends Error {}

let sharpModule: Promise<typeof Sharp> | undefined;

function loadSharp(): Promise<typeof Sharp> {
  sharpModule ??= import('sharp').then(
    ({ default: sharp }) => {
      if (!isMainThread) sharp.concurrency(1); // the workers are the threads
      return sharp;
    },
    (cause: Error) => {
      throw new MissingSharpError(
        `images are decoded by sharp, which does not load: \`npm install sharp\` (${cause.message})`,
        { cause },
      );
    },
  );
  return sharpModule;
}
