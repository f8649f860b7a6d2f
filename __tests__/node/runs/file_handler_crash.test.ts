/** What a failing disk or a killed process leaves behind: the old model or the new, never a mix. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { readPieces, writeAtomically } from '../../../node/files/files';
import { processIdentity } from '../../../node/files/process_identity';
import { fileHandler } from '../../../node/runs/file_handler';
import '../../support/backends';
import { runScript, temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
let count = 0;
const fresh = () => join(directory, `model${count++}`);

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => jest.restoreAllMocks());

function model(value: number): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.dense({
        units: 2,
        inputShape: [3],
        kernelInitializer: tf.initializers.constant({ value }),
      }),
    ],
  });
}

async function loadedValue(path: string): Promise<number> {
  const loaded = await tf.loadLayersModel(fileHandler(path));
  return loaded.getWeights()[0].dataSync()[0];
}

const failure = (code: string) => Object.assign(new Error(`${code}: simulated`), { code });

describe('a save that fails leaves the old model and no rubbish', () => {
  test.each([1, 2])('when rename %i fails', async (failing) => {
    const path = fresh();
    await model(1).save(fileHandler(path));
    const before = readdirSync(path).sort();
    const rename = fs.rename;
    let calls = 0;
    jest.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      if (++calls === failing) throw failure('EIO');
      await rename(from, to);
    });
    await expect(model(2).save(fileHandler(path))).rejects.toThrow(/cannot write .*: EIO/);
    jest.restoreAllMocks();
    expect(await loadedValue(path)).toBe(1);
    const after = readdirSync(path).sort();
    expect(after).toEqual(expect.arrayContaining(before));
    expect(after.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await model(3).save(fileHandler(path));
    expect(await loadedValue(path)).toBe(3);
  });

  test.each(['write', 'sync'] as const)('when %s fails: the disk is full', async (call) => {
    const path = fresh();
    await model(1).save(fileHandler(path));
    const before = readdirSync(path).sort();
    const open = fs.open;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      if (String(args[0]).endsWith('.tmp')) {
        jest.spyOn(handle, call).mockRejectedValue(failure('ENOSPC'));
      }
      return handle;
    });
    await expect(model(2).save(fileHandler(path))).rejects.toThrow(/cannot write .*: ENOSPC/);
    jest.restoreAllMocks();
    expect(readdirSync(path).sort()).toEqual(before);
    expect(await loadedValue(path)).toBe(1);
  });
});

describe('a process killed while it saves', () => {
  // Each step of a save is a system call on the way; the process dies just before the n-th.
  const script = `
    import fs from 'node:fs/promises';
    import * as tf from '@tensorflow/tfjs';
    import { fileHandler } from 'tfjs-spikingformer/node';
    const [, path, call, nth] = process.argv;
    await tf.setBackend('cpu');
    const real = fs[call];
    let calls = 0;
    fs[call] = (...args) => {
      if (++calls === Number(nth)) process.kill(process.pid, 'SIGKILL');
      return real.apply(fs, args);
    };
    const layer = tf.layers.dense({
      units: 2, inputShape: [3], kernelInitializer: tf.initializers.constant({ value: 2 }),
    });
    await tf.sequential({ layers: [layer] }).save(fileHandler(path));
    console.log('saved');
  `;

  test.each([
    ['rename', 1, 1],
    ['rename', 2, 1],
    ['rm', 1, 2],
  ])('before %s %i leaves a whole model', async (call, nth, value) => {
    const path = fresh();
    await model(1).save(fileHandler(path));
    const { signal, stdout } = runScript(script, [path, call, String(nth)]);
    expect(stdout).not.toContain('saved');
    expect(signal).toBe('SIGKILL');
    expect(await loadedValue(path)).toBe(value);
    await model(3).save(fileHandler(path));
    expect(await loadedValue(path)).toBe(3);
  });
});

test('temporary files of crashed saves go after an hour, those in use stay', async () => {
  const path = fresh();
  await model(1).save(fileHandler(path));
  const old = join(path, '.model.weights.0123456789abcdef.bin.77.0a1b2c3d.tmp');
  const young = join(path, '.model.json.78.0a1b2c3d.tmp');
  writeFileSync(old, 'x');
  writeFileSync(young, 'x');
  const hoursAgo = Date.now() / 1000 - 7200;
  utimesSync(old, hoursAgo, hoursAgo);
  await model(2).save(fileHandler(path));
  const tmp = readdirSync(path).filter((name) => name.endsWith('.tmp'));
  expect(tmp).toEqual(['.model.json.78.0a1b2c3d.tmp']);
});

test('those of a process that is known to be gone go at once, those of a living one stay', async () => {
  const path = join(fresh(), 'out.svg');
  mkdirSync(dirname(path));
  const [pid, start, machine] = processIdentity().split('-');
  const left = (identity: string) => `.out.svg.${identity}.0a1b2c3d.tmp`;
  for (const identity of [`${pid}-1-${machine}`, `${pid}-${start}-${machine}`, '7-7-00000000']) {
    writeFileSync(join(dirname(path), left(identity)), 'x');
  }
  await writeAtomically(path, [Buffer.from('new')]);
  const expected = ['out.svg', left('7-7-00000000'), left(`${pid}-${start}-${machine}`)];
  expect(readdirSync(dirname(path)).sort()).toEqual(expected.sort());
});

describe('writeAtomically', () => {
  test('writes through links, and to devices and pipes', async () => {
    const folder = fresh();
    mkdirSync(folder);
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    symlinkSync(file, link);
    await writeAtomically(link, [Buffer.from('new')]);
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    await writeAtomically('/dev/null', [Buffer.from('new')]);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    await expect(writeAtomically('/dev/full', [Buffer.from('new')])).rejects.toThrow(
      'cannot write /dev/full: ENOSPC',
    );
  });

  test.each([
    ['a folder', (folder: string) => folder, 'EISDIR'],
    ['a place in no folder', (folder: string) => join(folder, 'no', 'file'), 'ENOENT'],
  ])('names the path: %s', async (_, place, code) => {
    const folder = fresh();
    mkdirSync(folder);
    await expect(writeAtomically(place(folder), [])).rejects.toThrow(
      `cannot write ${place(folder)}: ${code}`,
    );
    expect(readdirSync(join(folder, '..')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('readPieces', () => {
  test('cuts a file into buffers of at most the given size', async () => {
    const path = join(directory, 'pieces.bin');
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    await writeAtomically(path, [bytes.subarray(0, 300), bytes.subarray(300)]);
    const pieces = await readPieces([{ path, size: 1000 }], 256);
    expect(pieces.map((piece) => piece.byteLength)).toEqual([256, 256, 256, 232]);
    expect(Buffer.concat(pieces.map((piece) => new Uint8Array(piece)))).toEqual(Buffer.from(bytes));
  });

  test('joins files of any sizes into buffers of one size, the last of what is left', async () => {
    const bytes = Uint8Array.from({ length: 700 }, (_, i) => i % 251);
    const cuts = [0, 1, 1, 256, 300, 700]; // one of them empty, the last the largest
    const files = cuts.slice(1).map((end, i) => ({
      path: join(directory, `joined${i}.bin`),
      size: end - cuts[i],
    }));
    for (const [i, { path }] of files.entries()) {
      await writeAtomically(path, [bytes.subarray(cuts[i], cuts[i + 1])]);
    }
    const pieces = await readPieces(files, 256);
    expect(pieces.map((piece) => piece.byteLength)).toEqual([256, 256, 188]);
    expect(Buffer.concat(pieces.map((piece) => new Uint8Array(piece)))).toEqual(Buffer.from(bytes));
  });

  test('says so when a file ends early', async () => {
    const path = join(directory, 'short.bin');
    await writeAtomically(path, [new Uint8Array(10)]);
    await expect(readPieces([{ path, size: 20 }])).rejects.toThrow(
      /short\.bin ended at 10 of 20 bytes/,
    );
  });
});
