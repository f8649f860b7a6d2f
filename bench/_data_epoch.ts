/**
 * One epoch in a process of its own, so that its memory is its own: `tsx bench/_data_epoch.ts CIFAR|PATH
 * WORKERS`; a path is that of a folder of class folders. Prints images, seconds and the peak of resident memory.
 */
import { dataSets } from '../datasets/data_sets';
import { memorySource } from '../datasets/memory_source';
import type { SampleSource } from '../datasets/sample';
import { trainTransforms } from '../datasets/transforms';
import { normalize } from '../datasets/transforms/normalize';
import { randomErasing } from '../datasets/transforms/random_erasing';
import { Random } from '../lib/random';
import { batches } from '../node/batches';
import { imageFolder } from '../node/datasets/image_folder';

const IMAGES = 50_000;

/** As many bytes as CIFAR-10 has; what they are does not change the work. */
function cifar(): SampleSource {
  const data = new Uint8Array(new SharedArrayBuffer(IMAGES * 32 * 32 * 3));
  const random = new Random(1);
  for (let i = 0; i < data.length; i++) data[i] = random.bits();
  const labels = new Uint8Array(IMAGES);
  const classNames = ['any'];
  const { mean, std } = dataSets.cifar10;
  return memorySource({
    name: 'generated',
    split: 'train',
    data,
    shape: [32, 32, 3],
    labels,
    classNames,
    mean,
    std,
  });
}

const [what, workers] = [process.argv[2], Number(process.argv[3])];
const isCifar = what === 'CIFAR';
const source = isCifar
  ? cifar()
  : await imageFolder({ root: what, mean: dataSets.imagenet.mean, std: dataSets.imagenet.std });
const { mean = [], std = [] } = source;
const transform = isCifar
  ? trainTransforms({
      ...{ size: 32, scale: [1, 1], ratio: [1, 1], interpolation: 'bicubic', mean },
      autoAugment: 'rand-m9-n1-mstd0.4-inc1',
    })
  : trainTransforms({
      size: 224,
      interpolation: 'bicubic',
      autoAugment: 'rand-m9-mstd0.5-inc1',
      mean,
    });
const batchSize = isCifar ? 64 : 8;
let images = 0;
let start = performance.now();
for await (const batch of batches(source, { batchSize, shuffle: true, transform, workers })) {
  if (images === 0) start = performance.now(); // threads have started
  const x = normalize(batch.data as Uint8Array, mean, std);
  const streamOf = (i: number) => new Random(0, 'epoch', 0, 'erase', batch.indices[i]);
  randomErasing(x, batch.shape, { probability: 0.25 }, streamOf);
  images += batch.labels.length;
}
const seconds = (performance.now() - start) / 1000;
const rate = (images - batchSize) / seconds;
const peak = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ images, rate, peak }));
