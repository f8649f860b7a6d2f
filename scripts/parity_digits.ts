/**
 * Writes a small data set of two classes that no digit network was trained for, odd and even digits of MNIST, as a
 * folder of your own: `npx tsx scripts/parity_digits.ts runs/parity [TRAIN [TEST]]`, with 200 and 2000 images. Fine-tuning
 * is measured on it: CONTRIBUTING.md, `npm run results -- finetuning`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mnist, prepareDataset } from 'tfjs-spikingformer/node';

const SIDE = 28;
const [folder, train = '200', test = '2000'] = process.argv.slice(2);
if (folder === undefined) throw new Error('the folder to write must be given, but is missing');
await prepareDataset('mnist');
await mkdir(folder, { recursive: true });

/** An IDX file of bytes: its magic number with the number of axes, their sizes, the values. */
function idx(sizes: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt8(8, 2);
  header.writeUInt8(sizes.length, 3);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, values]);
}

for (const [split, prefix, count] of [
  ['train', 'train', Number(train)],
  ['test', 't10k', Number(test)],
] as const) {
  const digits = await mnist({ split });
  const images = new Uint8Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const { data, label } = await digits.read(i);
    images.set(data as Uint8Array, i * SIDE * SIDE);
    labels[i] = label % 2;
  }
  await writeFile(join(folder, `${prefix}-images-idx3-ubyte`), idx([count, SIDE, SIDE], images));
  await writeFile(join(folder, `${prefix}-labels-idx1-ubyte`), idx([count], labels));
}
await writeFile(join(folder, 'classes.txt'), 'even\nodd\n');
