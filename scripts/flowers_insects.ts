/**
 * Writes a small data set of two classes that no CIFAR-10 network was trained for, flowers and insects of CIFAR-100, as
 * a folder of your own: `npx tsx scripts/flowers_insects.ts runs/flowers-insects FILE.bin...`, from CIFAR-100's
 * records. The first 100 of each class are for training, all others for testing. Fine-tuning is measured on it:
 * CONTRIBUTING.md, `npm run results -- finetuning_cifar10`.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { readCifar100 } from 'tfjs-spikingformer/datasets';

/** CIFAR-100's coarse classes 2 and 7. */
const CLASSES = new Map([
  [2, 'flowers'],
  [7, 'insects'],
]);
const TRAIN = 100;

const [folder, ...files] = process.argv.slice(2);
if (folder === undefined || files.length === 0) {
  throw new Error('the folder to write and files of CIFAR-100 must be given, but are missing');
}
const written = new Map<string, number>();
for (const file of files) {
  const { images, shape, coarseLabels } = readCifar100(await readFile(file));
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  for (const [i, label] of coarseLabels.entries()) {
    const name = CLASSES.get(label);
    if (!name) continue;
    const count = written.get(name) ?? 0;
    written.set(name, count + 1);
    const into = join(folder, count < TRAIN ? 'train' : 'val', name);
    await mkdir(into, { recursive: true });
    await sharp(images.subarray(i * size, (i + 1) * size), {
      raw: { width, height, channels: channels as 3 },
    })
      .png()
      .toFile(join(into, `${String(count).padStart(4, '0')}.png`));
  }
}
for (const [name, count] of written) console.log(`${name}: ${count}`);
