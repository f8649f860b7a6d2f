/** Folders of your own: what is found in good ones, and that bad ones are refused, counted or survived. */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { batches } from '../../../node/batches';
import { kindOfOwnData, listOwnData } from '../../../node/datasets/own/listing';
import { openOwnData } from '../../../node/datasets/own/own_data';
import { readPacked } from '../../../node/datasets/own/packed';
import { framesOf, readRecording } from '../../../node/datasets/own/recording';
import { type SurveyOptions, surveyOwnData } from '../../../node/datasets/own/survey';
import { nMnistFile } from '../../datasets/event_files';
import { doubles, npyFile } from '../../datasets/npy_file';
import { temporaryDirectory } from '../../support/process';
import { cifar10DvsFile, someEvents, sum, write } from './recordings';

const directory = temporaryDirectory();
const folder = (name: string) => {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  return path;
};
const rule = { split: 0.25, seed: 1 };
const asked = (root: string, more: Partial<SurveyOptions> = {}): SurveyOptions => ({
  ...{ root, ...rule, cropPct: 1, interpolation: 'bilinear', frames: 4, splitBy: 'number' },
  ...more,
});
const png = (gray: number, width = 20, height = 20) =>
  sharp({ create: { width, height, channels: 3, background: { r: gray, g: 0, b: 255 } } })
    .png()
    .toBuffer();

async function images(name: string, perClass: Record<string, number>): Promise<string> {
  const root = folder(name);
  for (const [label, count] of Object.entries(perClass)) {
    for (let i = 0; i < count; i++) write(root, `${label}/${i}.png`, await png(i));
  }
  return root;
}

describe('images in class folders', () => {
  test('classes, a seeded share of each held out, one size, statistics, and a cache that names no class', async () => {
    const root = await images('plain', { b: 8, a: 4 });
    const survey = await surveyOwnData(asked(root));
    expect(survey).toMatchObject({
      ...{ kind: 'images', classNames: ['a', 'b'], size: [20, 20], channels: 3 },
      counts: { train: [3, 6], test: [1, 2] },
      ...{ leftOut: [], unreadable: [], repeated: [] },
    });
    expect(survey.mean![1]).toBe(0);
    expect(survey.mean![2]).toBe(1);
    expect(survey.std!.every((deviation) => deviation > 0)).toBe(true);
    expect(readdirSync(root).sort()).toEqual(['.spikingformer', 'a', 'b']);
    expect(await surveyOwnData(asked(root))).toEqual(survey);
    const of = async (seed: number) =>
      (await listOwnData(root, { ...rule, seed })).test.map(({ path }) => path);
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(5));
  });

  test('samples are the bytes of the images, in worker threads too', async () => {
    const root = await images('bytes', { a: 4, b: 4 });
    const rules = { kind: 'images', side: 10, channels: 3, interpolation: 'bilinear' } as const;
    const source = await openOwnData({ root, ...rule, rules }, 'train');
    const { data, shape } = await source.read(0);
    expect(shape).toEqual([10, 10, 3]);
    expect([...data.subarray(0, 3)]).toEqual([expect.any(Number), 0, 255]);
    const all = async (workers: number) => {
      const found = [];
      for await (const batch of batches(source, { batchSize: 4, workers })) found.push(batch);
      return found;
    };
    expect(await all(1)).toEqual(await all(0));
  });

  test('train and val folders; files of the same name and content in both are reported', async () => {
    const root = folder('halves');
    for (const [path, gray] of [
      ['Train/a/1', 1],
      ['Train/a/2', 2],
      ['Train/b/1', 3],
      ['val/a/1', 1],
      ['val/b/1', 4],
    ] as const) {
      write(root, `${path}.png`, await png(gray));
    }
    const { counts, testFolder, repeated } = await surveyOwnData(asked(root));
    expect({ counts, testFolder, repeated }).toEqual({
      counts: { train: [2, 1], test: [1, 1] },
      testFolder: 'val',
      repeated: ['val/a/1.png'],
    });
    write(root, 'val/c/1.png', await png(5));
    await expect(listOwnData(root, rule)).rejects.toThrow(
      /classes of the training folder.*"c" too/,
    );
  });

  test('what cannot be read is counted and named; links go round, to nothing, and multiply in vain', async () => {
    const root = await images('hostile', { a: 4, b: 4 });
    write(root, 'a/broken.jpg', 'no image');
    write(root, 'a/cut.png', (await png(1)).subarray(0, 60));
    write(root, 'a/line.png', await png(1, 3000, 1));
    write(root, 'a/notes.txt', 'x');
    write(root, 'a/secret.png', await png(2));
    chmodSync(join(root, 'a/secret.png'), 0);
    symlinkSync('nowhere', join(root, 'a/gone.png'));
    symlinkSync('..', join(root, 'a/round'));
    for (let i = 0; i < 24; i++) {
      mkdirSync(join(root, `b/d${i}`), { recursive: true });
      for (const link of ['l', 'm'])
        symlinkSync(`../d${(i + 1) % 24}`, join(root, `b/d${i}/${link}`));
    }
    const survey = await surveyOwnData(asked(root, { split: 0.3 }));
    const names = survey.unreadable.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['a/broken.jpg', 'a/cut.png', 'a/line.png']));
    if (process.getuid?.() !== 0) expect(names).toContain('a/secret.png');
    const left = survey.leftOut.map(({ name }) => name);
    expect(left).toEqual(expect.arrayContaining(['a/notes.txt', 'a/gone.png']));
  });

  test.each<[string, (root: string) => void | Promise<void>, RegExp]>([
    [
      'no class',
      (root) => writeFileSync(join(root, 'x.jpg'), ''),
      /two or more classes, but has 1 files and no folder/,
    ],
    [
      'one class',
      (root) => write(root, 'cat/1.jpg', ''),
      /two or more classes, but has only "cat"/,
    ],
    [
      'no samples',
      (root) => void [write(root, 'a/x.txt', ''), write(root, 'b/x.txt', '')],
      /must have files that end in/,
    ],
    [
      'an empty class',
      (root) => void [write(root, 'a/1.jpg', ''), folder(`${root.split('/').pop()}/b`)],
      /must have an image, but there is none in "b"/,
    ],
    [
      'both kinds',
      (root) => void [write(root, 'a/1.jpg', ''), write(root, 'b/1.aedat', '')],
      /has 1 and 1: --recipe/,
    ],
    [
      'nothing readable',
      (root) => void [write(root, 'a/1.jpg', 'x'), write(root, 'b/1.jpg', 'x')],
      /cannot be decoded as an image/,
    ],
  ])('%s is refused', async (name, fill, message) => {
    const root = folder(`bad ${name}`);
    await fill(root);
    const looking = surveyOwnData(asked(root));
    await expect(looking).rejects.toMatchObject({ name: 'DatasetError' });
    await expect(looking).rejects.toThrow(message);
  });

  test('a class that is asked for and missing is named; those asked for come in that order', async () => {
    const root = await images('some', { a: 2, b: 2, c: 2 });
    const { classNames } = await listOwnData(root, { ...rule, classNames: ['c', 'a'] });
    expect(classNames).toEqual(['c', 'a']);
    const missing = listOwnData(root, { ...rule, classNames: ['c', 'x'] });
    await expect(missing).rejects.toThrow(/the folder of class "x", but has "a", "b", "c"/);
  });
});

describe('images in one file', () => {
  const idx = (shape: number[], data: number[]) => {
    const head = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n])]);
    return Buffer.concat([head, Buffer.from(data)]);
  };

  test('IDX pairs, with names of the classes beside them', async () => {
    const root = folder('idx');
    const labels = [0, 1, 0, 1, 0, 1, 0, 1];
    write(root, 'train-images-idx3-ubyte', idx([8, 2, 2], Array(32).fill(255)));
    write(root, 'train-labels-idx1-ubyte', idx([8], labels));
    write(root, 'classes.txt', 'zero\none\n');
    expect(await kindOfOwnData(root)).toBe('images');
    expect(await surveyOwnData(asked(root))).toMatchObject({
      ...{ classNames: ['zero', 'one'], size: [2, 2], channels: 1 },
      counts: { train: [3, 3], test: [1, 1] },
    });
    write(root, 'classes.txt', 'zero\n');
    await expect(readPacked(root)).rejects.toThrow(
      /must name 2 classes, one per line, but names 1/,
    );
  });

  test('CIFAR binaries', async () => {
    const root = folder('cifar');
    const records = (labels: number[]) =>
      Buffer.concat(labels.map((label) => Buffer.from([label, ...Array(3072).fill(label)])));
    write(root, 'data_batch_1.bin', records([0, 1, 2]));
    write(root, 'test_batch.bin', records([2]));
    const { train, test, classNames } = (await readPacked(root))!;
    expect([train.labels, test!.labels].map((labels) => [...labels])).toEqual([[0, 1, 2], [2]]);
    expect(classNames).toEqual(['0', '1', '2']);
    write(root, 'data_batch_2.bin', Buffer.alloc(100));
    await expect(readPacked(root)).rejects.toThrow(/data_batch_2.bin: a CIFAR/);
  });
});

describe('recordings', () => {
  test('AEDAT files: a sensor of 128 x 128 halved; a damaged one is left out', async () => {
    const root = folder('aedat');
    for (const label of ['a', 'b']) {
      for (let i = 0; i < 4; i++) write(root, `${label}/${i}.aedat`, cifar10DvsFile(i));
    }
    write(root, 'a/cut.aedat', Buffer.from(cifar10DvsFile(9)).subarray(0, -3));
    const survey = await surveyOwnData(asked(root));
    expect(survey).toMatchObject({ kind: 'events', size: [64, 64] });
    expect(survey.unreadable.map(({ name }) => name)).toEqual(['a/cut.aedat']);
    const rules = { kind: 'events', frames: 4, splitBy: 'number', size: [64, 64] } as const;
    const sample = await (await openOwnData({ root, ...rule, rules }, 'test')).read(0);
    expect(sample.shape).toEqual([4, 64, 64, 2]);
    expect(sum(sample.data)).toBe(200);
  });

  test("N-MNIST's .bin, .npy of events and of frames, .npz of columns and of frames: the same events", async () => {
    const events = someEvents(3, 60, 20);
    const rows = npyFile(
      "'<f8'",
      '(60, 4)',
      doubles(...events.flatMap(({ t, x, y, p }) => [t, x, y, p])),
    );
    const column = (key: 't' | 'x' | 'y' | 'p') =>
      new Uint8Array(npyFile("'<f8'", '(60,)', doubles(...events.map((event) => event[key]))));
    const columns = zipSync({
      't.npy': column('t'),
      'x.npy': column('x'),
      'y.npy': column('y'),
      'p.npy': column('p'),
    });
    const rules = { frames: 3, splitBy: 'number', size: [20, 20] } as const;
    const read = async (name: string, bytes: Uint8Array) =>
      framesOf(await readRecording(name, Buffer.from(bytes), [20, 20]), rules);
    const bin = await read('a.bin', nMnistFile(events));
    expect(sum(bin.data)).toBe(60);
    expect(await read('a.npy', rows)).toEqual(bin);
    expect(await read('a.npz', columns)).toEqual(bin);
    const frames = npyFile("'<f8'", '(3, 20, 20, 2)', doubles(...bin.data));
    expect(await read('b.npy', frames)).toEqual(bin);
    expect(await read('b.npz', zipSync({ 'frames.npy': new Uint8Array(frames) }))).toEqual(bin);
  });

  test.each([
    ['no zip', Buffer.from('hello'), /must be a whole zip/],
    [
      'other arrays',
      Buffer.from(
        zipSync({
          'a.npy': new Uint8Array(npyFile("'<f8'", '(1,)', doubles(1))),
          'b.npy': new Uint8Array(npyFile("'<f8'", '(1,)', doubles(1))),
        }),
      ),
      /but has a, b/,
    ],
    ['no array', Buffer.from(zipSync({ 'a.npy': Uint8Array.of(1) })), /must begin with/],
  ])('a .npz that is %s is a DatasetError', async (_, bytes, message) => {
    const reading = readRecording('x.npz', bytes);
    await expect(reading).rejects.toMatchObject({ name: 'DatasetError' });
    await expect(reading).rejects.toThrow(message);
  });

  test('an archive that says it unpacks to more than is allowed is not unpacked', async () => {
    const zip = Buffer.from(zipSync({ 't.npy': new Uint8Array(100) }));
    zip.writeUInt32LE(2 ** 31, zip.lastIndexOf('PK\x01\x02') + 24);
    await expect(readRecording('bomb.npz', zip)).rejects.toThrow(
      /must take at most 536870912 bytes/,
    );
  });
});
