/** Folders of class folders, and the pixels that PIL has of their files. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { type Sample, trainTransforms } from 'tfjs-spikingformer/datasets';
import { batches } from '../../../node/batches';
import { decodeImage } from '../../../node/datasets/_decode_image';
import { imageFolder } from '../../../node/datasets/image_folder';
import { imagenet } from '../../../node/datasets/imagenet';
import { prepareDataset } from '../../../node/datasets/prepare';
import { filesBelow } from '../../../node/files/folders';
import { temporaryDirectory } from '../../support/process';

const root = temporaryDirectory();

/** Waves of colour, so that a JPEG of them is close to them. */
const pixels = (width: number, height: number) =>
  Buffer.from(
    Array.from({ length: width * height * 3 }, (_, i) =>
      Math.round(128 + 100 * Math.sin(i / 3 / width / 4 + (i % 3))),
    ),
  );

function image(width: number, height: number): sharp.Sharp {
  return sharp(pixels(width, height), { raw: { width, height, channels: 3 } });
}

async function folderOf(name: string, files: Record<string, Buffer | string>): Promise<string> {
  const folder = join(root, name);
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

const jpeg = (width: number, height: number) => image(width, height).jpeg().toBuffer();

describe('imageFolder', () => {
  test('numbers classes by the sorted names of their folders, reads samples of their sizes', async () => {
    const folder = await folderOf('sorted', {
      'n2/b.JPEG': await jpeg(6, 4),
      'n10/a.jpg': await jpeg(5, 7),
      'n10/c.png': await image(3, 2).png().toBuffer(),
      'n10/.DS_Store': 'x',
      '.cache/x': 'x',
      'README.txt': 'x',
    });
    const source = await imageFolder({ root: folder, mean: [0.5, 0.5, 0.5] });
    expect(source.classNames).toEqual(['n10', 'n2']);
    expect([source.length, source.name, source.split]).toEqual([3, 'image-folder', 'train']);
    expect(source.mean).toEqual([0.5, 0.5, 0.5]);
    const samples = await Promise.all([0, 1, 2].map((i) => source.read(i)));
    expect(samples.map(({ shape, label }) => [...shape, label])).toEqual([
      [7, 5, 3, 0],
      [2, 3, 3, 0],
      [4, 6, 3, 1],
    ]);
    expect(samples[1].data).toEqual(Uint8Array.from(pixels(3, 2)));
    await expect(Promise.resolve(3).then(source.read)).rejects.toThrow(
      'index must be an integer from 0 to 2, but got 3',
    );
  });

  test('grey, alpha, CMYK, 16 bits and colour profiles become plain RGB', async () => {
    const rgb = pixels(8, 8);
    const grey = await image(8, 8).greyscale().png().toBuffer();
    const alpha = await image(8, 8).ensureAlpha(0.3).png().toBuffer();
    const wide = await image(8, 8).toColourspace('rgb16').png().toBuffer();
    const profile = await image(8, 8).withIccProfile('p3').png().toBuffer();
    const cmyk = await image(8, 8).toColourspace('cmyk').jpeg().toBuffer();
    const folder = await folderOf('kinds', {
      ...{ 'a/grey.png': grey, 'a/alpha.png': alpha, 'a/wide.png': wide },
      ...{ 'a/profile.png': profile, 'a/cmyk.jpg': cmyk },
    });
    for (const name of ['grey.png', 'alpha.png', 'wide.png', 'profile.png', 'cmyk.jpg']) {
      const { data, width, height } = await decodeImage(join(folder, 'a', name));
      expect([name, width, height, data.length]).toEqual([name, 8, 8, 192]);
      if (name === 'grey.png')
        for (let i = 0; i < 192; i++) expect(data[i]).toBe(data[i - (i % 3)]);
      if (name === 'alpha.png' || name === 'wide.png') expect(data).toEqual(Uint8Array.from(rgb));
    }
    // What is stored, not what the profile makes of it: as PIL's convert('RGB').
    const stored = await sharp(profile, { ignoreIcc: true }).raw().toBuffer();
    expect((await decodeImage(join(folder, 'a/profile.png'))).data).toEqual(
      Uint8Array.from(stored),
    );
    // PIL: white less black, and of that what the ink leaves.
    const inks = await sharp(cmyk, { ignoreIcc: true })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer();
    const { data } = await decodeImage(join(folder, 'a/cmyk.jpg'));
    data.forEach((value, i) => {
      const [ink, black] = [inks[Math.floor(i / 3) * 4 + (i % 3)], inks[Math.floor(i / 3) * 4 + 3]];
      const exact = ((255 - ink) * (255 - black)) / 255;
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.5);
    });
  });

  test('a corrupt file is an error that names it, or a counted skip, in workers too', async () => {
    const whole = await jpeg(64, 48);
    const folder = await folderOf('corrupt', {
      'a/1.jpg': whole,
      'a/2.jpg': whole.subarray(0, whole.length >> 1),
      'a/3.jpg': 'not a picture',
      'b/4.jpg': '',
      'b/5.jpg': whole,
    });
    const source = await imageFolder({ root: folder });
    for (const index of [1, 2, 3]) {
      await expect(source.read(index)).rejects.toMatchObject({
        name: 'DatasetError',
        message: expect.stringMatching(/[234]\.jpg cannot be decoded as an image: /),
      });
    }
    const transform = trainTransforms({ size: 16 });
    for (const workers of [0, 2]) {
      const options = { batchSize: 3, workers, transform };
      await expect(
        (async () => {
          for await (const _ of batches(source, options));
        })(),
      ).rejects.toThrow(
        /^sample 1 of image-folder \(train\): .*2\.jpg cannot be decoded as an image/,
      );
      const epoch = batches(source, { ...options, onBadSample: 'skip' });
      const seen: number[] = [];
      for await (const { indices } of epoch) seen.push(...indices);
      expect(seen).toEqual([0, 4]);
      expect(epoch.skipped.map(({ index }) => index)).toEqual([1, 2, 3]);
    }
    rmSync(join(folder, 'a/1.jpg'));
    await expect(source.read(0)).rejects.toThrow(/ENOENT.*1\.jpg/);
  });

  test('a class that is a broken link, or to itself, is named: left out, it would shift the labels', async () => {
    for (const [i, target] of ['nowhere', 'n01'].entries()) {
      const folder = await folderOf(`lost${i}`, { 'n00/a.jpg': 'a', 'n02/b.jpg': 'b' });
      symlinkSync(target, join(folder, 'n01'));
      await expect(imageFolder({ root: folder })).rejects.toThrow(/n01 is a broken link/);
    }
  });

  test("files of folders in a class come in torchvision's order", async () => {
    const names = ['n/z.jpg', 'n/b-c/a.jpg', 'n/b/z.jpg', 'n/b/c/a.jpg'];
    const folder = await folderOf('deep', Object.fromEntries(names.map((name) => [name, 'x'])));
    // sorted(os.walk()): '-' is before '/'
    expect(await filesBelow(join(folder, 'n'))).toEqual([
      ...['z.jpg', 'b/z.jpg', 'b-c/a.jpg', 'b/c/a.jpg'],
    ]);
  });

  test('follows links, to classes, to files and to folders below; cycles end, a broken link is named', async () => {
    const store = await folderOf('store', {
      'n01/x.jpg': 'x',
      'n03/x.jpg': 'x',
      'more/y.jpg': 'y',
    });
    const folder = await folderOf('links', { 'n02/b.jpg': 'b', 'n02/deep/a.jpg': 'a' });
    for (const name of ['n01', 'n03']) symlinkSync(join(store, name), join(folder, name));
    symlinkSync(join(store, 'more/y.jpg'), join(folder, 'n02/y.jpg'));
    symlinkSync(join(folder, 'n02'), join(folder, 'n02/deep/again'));
    const source = await imageFolder({ root: folder });
    expect(source.classNames).toEqual(['n01', 'n02', 'n03']);
    expect(source.length).toBe(5); // b, y, deep/a of n02
    const { fingerprint } = source;
    writeFileSync(join(folder, 'n02/b.jpg'), 'another size');
    expect((await imageFolder({ root: folder })).fingerprint).not.toBe(fingerprint);
    symlinkSync(join(store, 'gone'), join(folder, 'n02/gone.jpg'));
    await expect(imageFolder({ root: folder })).rejects.toThrow(/n02\/gone\.jpg is a broken link/);
  });

  test('is a tf.data.Dataset too', async () => {
    const folder = await folderOf('tf', { 'a/1.png': await image(4, 3).png().toBuffer() });
    const [sample] = await (await imageFolder({ root: folder })).toTfDataset().toArray();
    expect(sample!.xs.shape).toEqual([3, 4, 3]);
    sample!.xs.dispose();
    sample!.ys.dispose();
  });

  test('empty and missing folders, and files that are none, are errors', async () => {
    await expect(imageFolder({ root: join(root, 'nowhere') })).rejects.toThrow(
      /^cannot list .*nowhere: .*ENOENT/,
    );
    const flat = await folderOf('flat', { 'a.jpg': '' });
    await expect(imageFolder({ root: flat })).rejects.toThrow(
      `${flat} must have a folder for each class, but has 0 folders`,
    );
    const empty = await folderOf('empty', { 'a/1.jpg': 'x', 'b/.keep': '' });
    await expect(imageFolder({ root: empty })).rejects.toThrow(
      `class folder ${join(empty, 'b')} must have images, but is empty`,
    );
    const odd = await folderOf('odd', { 'a/1.jpg': 'x', 'a/list.txt': 'x' });
    await expect(imageFolder({ root: odd })).rejects.toThrow(
      `the name of ${join(odd, 'a/list.txt')} must end in one of .jpg .jpeg`,
    );
    await expect(imageFolder({ root: '' })).rejects.toThrow(
      "root must be the path of a folder, but got ''",
    );
    await expect(imageFolder({ root: odd, folder: 1 } as { root: string })).rejects.toThrow(
      "imageFolder has no option 'folder'",
    );
  });
});

test('imagenet: val tests, and what is not complete has to be asked for', async () => {
  const folder = await folderOf('imagenet', { 'val/n1/a.JPEG': await jpeg(5, 5) });
  await expect(imagenet({ split: 'test', root: folder })).rejects.toThrow(
    'must have 1000 class folders, but has 1 (partial: true accepts that)',
  );
  await expect(imagenet({ split: 'train', root: folder, partial: true })).rejects.toThrow(
    `imagenet must have the folder train in ${folder}, but they are missing: `,
  );
  await expect(prepareDataset('imagenet', { root: folder })).rejects.toMatchObject({
    name: 'ManualDownloadError',
    message: expect.stringMatching(
      /get it from https:.* unpack it into .*: train\/ and val\/, each/,
    ),
  });
  const some = await imagenet({ split: 'test', root: folder, partial: true });
  expect([some.name, some.split, some.length, some.std?.[0]]).toEqual([
    'imagenet',
    'test',
    1,
    0.229,
  ]);
});

const PIL_SHA256 = 'a6bfe47ae96dc0086607d670b38a3081c69fe06f858558991d1d396278f9e547';
const real = join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'imagenet');
const there = process.env.SPIKINGFORMER_TEST_DATA !== undefined && existsSync(real);
if (!there) console.log('images of ImageNet: skipped, SPIKINGFORMER_TEST_DATA has none');

(there ? test : test.skip)(
  'real JPEGs: the pixels that PIL has, one epoch whoever makes it',
  async () => {
    const source = await imageFolder({ root: real });
    expect([source.length, source.classNames.length, source.classNames[0]]).toEqual([
      40,
      40,
      'n01440764',
    ]);
    const hash = createHash('sha256');
    for (let i = 0; i < source.length; i++) hash.update(((await source.read(i)) as Sample).data);
    // Of PIL's Image.open(path).convert('RGB').tobytes(), one file after another.
    expect(hash.digest('hex')).toBe(PIL_SHA256);
    const transform = trainTransforms({ size: 224, autoAugment: 'rand-m9-mstd0.5-inc1' });
    const epoch = async (workers: number) => {
      const hash = createHash('sha256');
      const options = { batchSize: 8, shuffle: true, seed: 1, transform, workers };
      for await (const { data, indices } of batches(source, options)) {
        hash.update(data).update(indices);
      }
      return hash.digest('hex');
    };
    expect(await epoch(2)).toBe(await epoch(0));
  },
);

test('damaged bytes of a JPEG make an image or a DatasetError, nothing else', async () => {
  const whole = await jpeg(40, 30);
  const folder = await folderOf('mutated', { 'a/1.jpg': whole });
  const path = join(folder, 'a/1.jpg');
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  const changes = fc.array(change, { minLength: 1, maxLength: 8 });
  const cut = fc.option(fc.nat(whole.length), { nil: whole.length });
  await fc.assert(
    fc.asyncProperty(changes, cut, async (bytes, end) => {
      const damaged = Buffer.from(whole);
      for (const [at, value] of bytes) damaged[at] = value;
      writeFileSync(path, damaged.subarray(0, end));
      try {
        const { data, width, height } = await decodeImage(path);
        expect(data.length).toBe(width * height * 3);
      } catch (error) {
        expect((error as Error).name).toBe('DatasetError');
      }
    }),
    { numRuns: 2000 },
  );
});
