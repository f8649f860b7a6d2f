/** Pictures in pages: pixels as a PNG (w3.org/TR/png-3) in a data URL, in browsers and in Node. */
import { crc32 } from '../lib/crc32';

export interface Picture {
  width: number;
  height: number;
  /** Red, green and blue, `[height, width, 3]`, row-major. */
  pixels: Uint8Array;
}

/**
 * A sample as a picture: one channel is gray; with two, as events have, the first is red and the second blue.
 *
 * @param data bytes 0..255, or any numbers, which are stretched from their smallest to their largest
 * @param shape `[height, width, 1 | 2 | 3]`, or frames `[time, ...]`, whose sum is shown
 */
export function pictureOf(data: ArrayLike<number>, shape: readonly number[]): Picture {
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  const size = height * width * channels;
  const sum = new Float32Array(size);
  for (let i = 0; i < data.length; i++) sum[i % size]! += data[i]!;
  const bytes = data instanceof Uint8Array && data.length === size;
  const low = bytes ? 0 : sum.reduce((a, b) => Math.min(a, b), Infinity);
  const high = bytes ? 255 : sum.reduce((a, b) => Math.max(a, b), -Infinity);
  const level = (x: number) => Math.round((255 * (x - low)) / (high - low || 1));
  const pixels = new Uint8Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const value = (channel: number) => level(sum[pixel * channels + channel]!);
    if (channels === 1) pixels.fill(value(0), 3 * pixel, 3 * pixel + 3);
    else if (channels === 2) pixels.set([value(0), 0, value(1)], 3 * pixel);
    else pixels.set([value(0), value(1), value(2)], 3 * pixel);
  }
  return { width, height, pixels };
}

/** The picture as a data URL, the source of an `<img>`. */
export async function pictureUrl(picture: Picture): Promise<string> {
  let binary = '';
  for (const byte of await encodePng(picture)) binary += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(binary)}`;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** 8-bit RGB, rows unfiltered. */
async function encodePng({ width, height, pixels }: Picture): Promise<Uint8Array> {
  const stride = 3 * width;
  const rows = new Uint8Array(height * (stride + 1)); // before each its filter, none
  for (let y = 0; y < height; y++) {
    rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8); // bits, RGB
  const chunks = [
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', await deflate(rows)),
    chunk('IEND', new Uint8Array()),
  ];
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** Length, type, content, and a checksum of the last two. */
function chunk(type: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}
