/** Files of either format, several with an index, and what is said of files that are neither. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interop } from '../../index';
import { openCheckpointFile } from '../../node/runs/checkpoint_file';
import { archive, bytes, pickleOf, tensor } from '../support/pickles';

const folder = join(__dirname, '../fixtures/checkpoints');
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const values = (stateDict: interop.StateDict) =>
  Object.fromEntries(Object.entries(stateDict).map(([key, { data }]) => [key, [...data]]));

describe.each(['safetensors', 'bin'])('several files of .%s', (ending) => {
  const name = `others_sharded.${ending}.index.json`;
  const format = ending === 'bin' ? 'torch' : 'safetensors';

  test('on disk', async () => {
    const file = await openCheckpointFile(join(folder, name));
    expect([file.format, file.paths.length]).toEqual([format, 3]);
    const stateDict = await interop.readStateDict(file.stateDict);
    await file.close();
    expect(values(stateDict)).toEqual({ 'a.weight': [0, 1, 2, 3], 'a.bias': [-1, 5] });
  });

  test('in a page', async () => {
    const opened = await interop.openShardedCheckpoint(
      read(name),
      (shard) => new Blob([read(shard)]),
    );
    expect(Object.keys(opened.stateDict)).toEqual(['a.weight', 'a.bias']);
  });
});

describe('an index that is wrong', () => {
  const shard = interop.writeSafetensors({
    a: { shape: [1], data: Float32Array.of(1) },
    b: { shape: [1], data: Float32Array.of(2) },
  });
  const open = (index: unknown) =>
    interop.openShardedCheckpoint(
      new TextEncoder().encode(typeof index === 'string' ? index : JSON.stringify(index)),
      () => new Blob([shard]),
    );
  test.each<[what: string, index: unknown, message: RegExp]>([
    ['HTML', '<!DOCTYPE html>', /must be JSON, but this is an HTML page/],
    ['no map', { metadata: {} }, /must have a weight_map/],
    ['an empty map', { weight_map: {} }, /must have a weight_map/],
    ['a path', { weight_map: { a: '../../etc/passwd' } }, /names of files beside the index/],
    ['a path of Windows', { weight_map: { a: 'c:\\x' } }, /names of files beside the index/],
    ['the folder above', { weight_map: { a: '..' } }, /names of files beside the index/],
    ['a number', { weight_map: { a: 3 } }, /names of files beside the index/],
    [
      'a tensor that is not there',
      { weight_map: { a: 'x', b: 'x', c: 'x' } },
      /places "c" in x, which does not have it/,
    ],
    ['a tensor too many', { weight_map: { a: 'x' } }, /x has "b", which the index does not have/],
    ['a name of Object', '{"weight_map": {"__proto__": "x"}}', /__proto__/],
  ])('%s', async (_, index, message) => {
    await expect(open(index)).rejects.toThrow(message);
    await expect(open(index)).rejects.toBeInstanceOf(interop.CheckpointError);
  });
});

test('safetensors say what they hold besides, args as a record', async () => {
  const tensors = { a: { shape: [1], data: Float32Array.of(1) } };
  const open = async (metadata: Record<string, string>) =>
    (await interop.openCheckpoint(new Blob([interop.writeSafetensors(tensors, metadata)]))).meta;
  expect(await open({ format: 'pt', args: '{"tau": 1.5}', note: 'x' })).toEqual({
    ...{ args: { tau: 1.5 }, note: 'x' },
  });
  expect(await open({ args: 'no JSON' })).toEqual({ args: 'no JSON' });
});

describe('what a file is instead', () => {
  const padded = (text: string) => bytes(text, new Uint8Array(600));
  test.each<[what: string, file: Uint8Array, message: RegExp]>([
    ['nothing', new Uint8Array(0), /is empty/],
    [
      'a pointer',
      bytes('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
      /Git LFS pointer.*git lfs pull/,
    ],
    ['a page', padded('<!DOCTYPE html><html>Not Found'), /is an HTML page, as a server sends/],
    ['an error of a store', padded('<?xml version="1.0"?><Error>'), /is an XML text/],
    [
      'an index',
      padded('{"metadata": {}, "weight_map": {"a": "b"}}'),
      /index of a checkpoint in several files/,
    ],
    ['a model.json', padded('{"modelTopology": {}}'), /model\.json of a tfjs model/],
    ['JSON', padded('{"error": "Not Found"}'), /is a JSON text/],
    ['gzip', bytes(0x1f, 0x8b, 8), /gzip/],
    ['HDF5', bytes(0x89, 'HDF\r\n'), /HDF5/],
    ['a SavedModel', bytes(8, 1, 0x12, 0x9c), /SavedModel of TensorFlow/],
    ['TensorFlow Lite', padded('\x1c\0\0\0TFL3'), /TensorFlow Lite/],
    ['.npy', bytes(0x93, 'NUMPY'), /NumPy/],
    ['a pickle', pickleOf('N'), /pickle that torch\.save did not write/],
    ['an image', padded('GIF89a'), /does not: it begins with 47 49 46/],
    ['words', padded('hello, world, this is'), /does not: it begins with "hello, world"/],
  ])('%s', async (_, file, message) => {
    expect(() => interop.readTorchCheckpoint(file)).toThrow(message);
    await expect(interop.openCheckpoint(new Blob([file.slice()]))).rejects.toThrow(message);
    if (file.length >= 8)
      expect(() => interop.readSafetensors(file)).toThrow(
        message.source.startsWith('does not') ? /it begins with/ : message,
      );
  });

  test('PyTorch for safetensors, and the reverse', () => {
    const torch = archive(pickleOf(tensor()));
    expect(() => interop.readSafetensors(torch)).toThrow(/is a zip archive, as torch\.save's are/);
    const tensors = interop.writeSafetensors({ a: { shape: [1], data: Float32Array.of(1) } });
    expect(() => interop.readTorchCheckpoint(tensors)).toThrow(/begins as safetensors do/);
  });

  test('another zip archive', () => {
    const file = archive(pickleOf(tensor())).map((byte, i, all) =>
      all[i - 1] === 0x2e && byte === 0x70 ? 0x71 : byte,
    );
    expect(() => interop.readTorchCheckpoint(file)).toThrow(
      /this is another archive, of x\/data\.qkl, x\/data\/0/,
    );
  });
});
