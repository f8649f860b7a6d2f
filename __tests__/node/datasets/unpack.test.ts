/** Archives are unpacked as far as they are asked for; what is cut, damaged or leads out is refused. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { unpack } from '../../../node/datasets/unpack';
import { temporaryDirectory } from '../../support/process';
import { makeTarball } from '../../support/tarballs';
import { write } from './recordings';

const directory = temporaryDirectory();
let folders = 0;
const fresh = () => join(directory, `root${folders++}`);

describe('unpack', () => {
  const place = (path: string) => /^folder\/(\w+)$/.exec(path)?.[1] ?? null;

  test('takes the files that it is asked for, from zip, tar.gz and gz', async () => {
    const body = Buffer.from('body');
    const root = fresh();
    write(root, 'a.zip', zipSync({ 'folder/one': body, 'other/two': body }));
    const entries = ['folder/one', '../evil', 'folder/three'].map((name) => ({ name, body }));
    write(root, 'b.tar.gz', makeTarball([...entries, { name: 'folder/', type: '5' }]));
    write(root, 'c.gz', gzipSync(body));
    expect(Object.keys(await unpack(join(root, 'a.zip'), join(root, 'a'), place))).toEqual(['one']);
    const tar = await unpack(join(root, 'b.tar.gz'), join(root, 'b'), place);
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(tar).toEqual({ one: { bytes: 4, sha256 }, three: { bytes: 4, sha256 } });
    expect(readFileSync(join(root, 'b/three'), 'utf8')).toBe('body');
    expect(await unpack(join(root, 'c.gz'), join(root, 'c'), (path) => path)).toEqual({
      c: { bytes: 4, sha256 },
    });
    expect(existsSync(join(root, 'evil'))).toBe(false);
  });

  test('a zip with a path that leads out is refused whole', async () => {
    const root = fresh();
    write(root, 'e.zip', zipSync({ '../evil': Uint8Array.of(1), 'folder/one': Uint8Array.of(1) }));
    const all = unpack(join(root, 'e.zip'), join(root, 'e'), place);
    await expect(all).rejects.toThrow(/invalid relative path: ..\/evil/);
    expect(existsSync(join(root, 'evil'))).toBe(false);
  });

  test.each(['a.zip', 'b.tar.gz', 'c.gz'])('a cut or damaged %s is an error', async (name) => {
    const body = Buffer.from(Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3));
    const whole: Record<string, Uint8Array> = {
      'a.zip': zipSync({ 'folder/one': body }),
      'b.tar.gz': makeTarball([{ name: 'folder/one', body }]),
      'c.gz': gzipSync(body),
    };
    const root = fresh();
    for (const cut of [0, 1, 9, whole[name].length >> 1, whole[name].length - 1]) {
      write(root, name, whole[name].subarray(0, cut));
      rmSync(join(root, 'out'), { recursive: true, force: true });
      const files = unpack(join(root, name), join(root, 'out'), (path) => path.replace('/', '_'));
      // An empty file is an empty tar; prepare counts the files.
      if (cut === 0 && name !== 'a.zip') await files.catch(() => undefined);
      else {
        await expect(files).rejects.toThrow(`cannot unpack ${join(root, name)}: it is `);
        if (cut > 9) await expect(files).rejects.toThrow('it is truncated');
      }
    }
  });

  test('damage that shows before its file is open is an error, too', async () => {
    const root = fresh();
    write(root, 'c.gz', Buffer.from('no gzip'));
    const mkdir = fs.mkdir.bind(fs);
    const slow = jest.spyOn(fs, 'mkdir').mockImplementation(async (...given) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return mkdir(...(given as Parameters<typeof mkdir>));
    });
    try {
      const files = unpack(join(root, 'c.gz'), join(root, 'out'), (path) => path);
      await expect(files).rejects.toThrow('incorrect header check');
    } finally {
      slow.mockRestore();
    }
  });

  test('two files for one place are an error', async () => {
    const root = fresh();
    const twice = [
      { name: 'x/one', body: 'a' },
      { name: 'y/one', body: 'b' },
    ];
    write(root, 'd.tar.gz', makeTarball(twice));
    const all = unpack(join(root, 'd.tar.gz'), join(root, 'd'), () => 'one');
    await expect(all).rejects.toThrow(/d.tar.gz holds two files for one/);
  });
});
