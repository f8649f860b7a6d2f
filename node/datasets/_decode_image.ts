/** Decodes image files to the pixels of PIL's convert('RGB'); sharp, an optional peer, decodes all but bitmaps. */
import fs from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import type Sharp from 'sharp';
import { DatasetError } from '../../datasets/dataset_error';
import { type Bitmap, bitmapDecoder } from './_bitmaps';
import { isGray16Png, oddTiff, opaqueGif } from './_image_quirks';

/** The extensions of supported files. */
export const imageExtensions = [
  ...['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif'],
  ...['.bmp', '.pbm', '.pgm', '.ppm', '.pnm'],
];

/**
 * Red, green and blue of an image file, row-major. As in PIL, color profiles are ignored, and rotation marks apply in
 * TIFF only. Files that sharp and PIL would decode differently are refused.
 *
 * @throws DatasetError if the file is not an image, is incomplete, or is of a refused kind
 */
export async function decodeImage(path: string): Promise<Bitmap> {
  return decodeImageBytes(await fs.readFile(path), path);
}

/** The same of a file's bytes; errors call it `name`. */
export function decodeImageBytes(bytes: Buffer, name: string): Promise<Bitmap> {
  return ofImage(name, async () => {
    const decode = bitmapDecoder(bytes);
    return decode ? decode(bytes) : await decodeBySharp(await loadSharp(), bytes);
  });
}

/** Width and height, without decoding more than it takes. @throws DatasetError if it is no image */
export function imageSize(bytes: Buffer, name: string): Promise<Omit<Bitmap, 'data'>> {
  return ofImage(name, async () => {
    const decode = bitmapDecoder(bytes);
    if (decode) return decode(bytes);
    const { width, height } = await open(await loadSharp(), bytes).metadata();
    return { width, height };
  });
}

async function ofImage<T>(name: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof MissingSharpError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatasetError(`${name} cannot be decoded as an image: ${reason}`, { cause: error });
  }
}

async function decodeBySharp(sharp: typeof Sharp, bytes: Buffer): Promise<Bitmap> {
  const { space, format, channels, orientation, ...rest } = await open(sharp, bytes).metadata();
  if (format === 'heif') throw refused('AVIF and HEIF');
  if (space === 'lab') throw refused('CIELAB');
  const odd = format === 'tiff' ? oddTiff(bytes, { space, ...rest }) : undefined;
  if (odd) throw refused(`TIFF of ${odd}`);
  const opaque = format === 'gif' ? opaqueGif(bytes) : bytes;
  if (!opaque) throw refused('GIF with a first image smaller than the whole');
  const image = open(sharp, opaque);
  // Of all formats that may have rotation marks, PIL applies those of TIFF.
  if (format === 'tiff' && (orientation ?? 1) > 1) image.rotate();
  if (space === 'cmyk') return decodeCmyk(image);
  const gray16 = channels === 1 || (format === 'png' && isGray16Png(bytes));
  if (space === 'grey16' && gray16) return decodeGrey16(image);
  const rgb = image.toColourspace('srgb').removeAlpha().raw();
  const { data, info } = await rgb.toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

const open = (sharp: typeof Sharp, bytes: Buffer) =>
  sharp(bytes, { ignoreIcc: true, failOn: 'error' });

const refused = (what: string) =>
  new Error(`${what} would decode to other pixels than in PIL: convert it to PNG first`);

/** Without a profile: the part of white that a color leaves, times the part that black leaves of it. */
async function decodeCmyk(image: Sharp.Sharp): Promise<Bitmap> {
  const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw();
  const { data, info } = await inks.toBuffer({ resolveWithObject: true });
  const out = new Uint8Array(info.width * info.height * 3);
  for (let from = 0, to = 0; to < out.length; from += 4) {
    const white = 255 - data[from + 3]!;
    // The product divided by 255, rounded in integers.
    for (let c = 0; c < 3; c++) {
      const product = data[from + c]! * white + 128;
      out[to++] = white - (((product >> 8) + product) >> 8);
    }
  }
  return { data: out, width: info.width, height: info.height };
}

/** PIL clips 16-bit gray at 255. */
async function decodeGrey16(image: Sharp.Sharp): Promise<Bitmap> {
  const gray = image.extractChannel(0).toColourspace('grey16').raw({ depth: 'ushort' });
  const { data, info } = await gray.toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const out = new Uint8Array(3 * values.length);
  values.forEach((value, i) => void out.fill(Math.min(255, value), 3 * i, 3 * i + 3));
  return { data: out, width: info.width, height: info.height };
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
        `decoding images needs sharp, which does not load: \`npm install sharp\` (${cause.message})`,
        { cause },
      );
    },
  );
  return sharpModule;
}
