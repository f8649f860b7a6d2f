/** Packages as data: the real npm against a registry of our own, and tarballs that are not what they say. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { defaultCacheDir, readNpmTarball } from '../../../node/files/npm_tarball';
import { readTarball } from '../../../node/files/tar';
import { makeTar, makeTarball, type Registry, sha512, startRegistry } from '../../support/tarballs';

const text = (bytes?: Uint8Array) => bytes && Buffer.from(bytes).toString();

describe('readNpmTarball', () => {
  const tarball = makeTarball([
    { name: 'package/package.json', body: '{"name":"some-data","version":"1.0.0"}' },
    { name: 'package/data/a.bin', body: 'data' },
  ]);
  const integrity = sha512(tarball);
  let registry: Registry;
  let cacheDir: string;
  const env = { ...process.env };

  beforeEach(async () => {
    registry = await startRegistry('some-data', tarball);
    cacheDir = await fs.mkdtemp(path.join(tmpdir(), 'spikingformer-cache-'));
    process.env.npm_config_registry = registry.url;
    process.env.npm_config_cache = path.join(cacheDir, 'npm');
    process.env.npm_config_fetch_retries = '0';
  });
  afterEach(async () => {
    process.env = { ...env };
    await registry.close();
    await fs.rm(cacheDir, { recursive: true, force: true });
  });
  const left = async () => (await fs.readdir(cacheDir)).filter((name) => name !== 'npm');

  test('downloads once, then reads the cache without npm', async () => {
    const files = await readNpmTarball('some-data', '1.0.0', { integrity, cacheDir });
    expect([...files.keys()]).toEqual(['package.json', 'data/a.bin']);
    expect(text(files.get('data/a.bin'))).toBe('data');
    expect(await left()).toEqual([expect.stringMatching(/^some-data-1\.0\.0-[0-9a-f]{16}\.tgz$/)]);

    process.env.npm_config_registry = 'http://127.0.0.1:9';
    const again = await readNpmTarball('some-data', '1.0.0', { integrity, cacheDir });
    expect(again).toEqual(files);
    expect(registry.downloads).toBe(1);
  });

  test('takes a SHA-256 instead', async () => {
    const sha256 = createHash('sha256').update(tarball).digest('hex');
    const files = await readNpmTarball('some-data', '1.0.0', { sha256, cacheDir });
    expect(text(files.get('data/a.bin'))).toBe('data');
  });

  test('a damaged cache is replaced', async () => {
    await readNpmTarball('some-data', '1.0.0', { integrity, cacheDir });
    const [file] = await left();
    await fs.truncate(path.join(cacheDir, file), 20);
    const files = await readNpmTarball('some-data', '1.0.0', { integrity, cacheDir });
    expect(text(files.get('data/a.bin'))).toBe('data');
    expect(await fs.readFile(path.join(cacheDir, file))).toEqual(tarball);
  });

  test('another hash is refused and nothing is kept', async () => {
    const other = sha512(Buffer.from('other'));
    await expect(
      readNpmTarball('some-data', '1.0.0', { integrity: other, cacheDir }),
    ).rejects.toThrow(/^some-data@1\.0\.0 must have sha512 .*: the registry serves another file/);
    expect(await left()).toEqual([]);
  });

  test("npm's own message tells why it failed", async () => {
    const missing = readNpmTarball('other-data', '1.0.0', { integrity, cacheDir });
    await expect(missing).rejects.toThrow(/^npm pack other-data@1\.0\.0 failed: .*404/s);
    expect(await left()).toEqual([]);
  });

  test('several at once', async () => {
    const all = await Promise.all(
      [1, 2, 3].map(() => readNpmTarball('some-data', '1.0.0', { integrity, cacheDir })),
    );
    for (const files of all) expect(text(files.get('data/a.bin'))).toBe('data');
    expect((await left()).length).toBe(1);
  });

  test('a killed process leaves nothing that counts', async () => {
    registry.stall = true;
    const script =
      `import { readNpmTarball } from '${path.join(__dirname, '../../../node/files/npm_tarball.ts')}';` +
      `readNpmTarball('some-data', '1.0.0', ${JSON.stringify({ integrity, cacheDir })});`;
    const file = path.join(cacheDir, 'npm', 'killed.ts');
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, script);
    // A group of its own, so that npm dies with it.
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      detached: true,
      env: process.env,
      stdio: 'ignore',
    });
    while (registry.downloads === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(-(child.pid as number), 'SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));

    registry.stall = false;
    const [abandoned] = await left();
    expect(abandoned).toMatch(/^\.some-data-.*\.tmp$/);
    const files = await readNpmTarball('some-data', '1.0.0', { integrity, cacheDir });
    expect(text(files.get('data/a.bin'))).toBe('data');
    expect(await left()).toEqual([expect.stringMatching(/^some-data.*\.tgz$/)]);
  });

  test.each<[string, string, object, RegExp]>([
    ['--flag', '1.0.0', {}, /name must be the name of an npm package, but got '--flag'/],
    ['a b', '1.0.0', {}, /name must be the name of an npm package, but got 'a b'/],
    ['../x', '1.0.0', {}, /name must be/],
    ['x', 'latest', {}, /version must be an exact version such as 1\.2\.3, but got 'latest'/],
    ['x', '1.0.0', {}, /needs either integrity or sha256/],
    ['x', '1.0.0', { integrity: 'sha1-abc' }, /integrity must be 'sha512-'.*got 'sha1-abc'/],
    ['x', '1.0.0', { sha256: 'abc' }, /sha256 must be 64 hexadecimal digits, but got 'abc'/],
    ['x', '1.0.0', { sha256: 'abc', hash: 1 }, /no option 'hash'/],
  ])('bad arguments: %s %s %j', async (name, version, options, message) => {
    await expect(readNpmTarball(name, version, options)).rejects.toThrow(message);
  });

  test('the cache folder follows XDG_CACHE_HOME, if absolute', () => {
    process.env.XDG_CACHE_HOME = cacheDir;
    expect(defaultCacheDir()).toBe(path.join(cacheDir, 'tfjs-spikingformer'));
    process.env.XDG_CACHE_HOME = 'relative';
    expect(defaultCacheDir()).toMatch(/\.cache.tfjs-spikingformer$/);
  });
});

describe('readTarball', () => {
  const names = (tarball: Uint8Array) => [...readTarball(tarball).keys()];
  /** pax headers: each record states its own length in bytes. */
  const pax = (...records: string[]) => {
    const body = records.map((record) => {
      const rest = Buffer.byteLength(` ${record}\n`);
      const length = rest + 2 > 99 ? rest + 3 : rest + 2;
      return `${length} ${record}\n`;
    });
    return { name: 'PaxHeader', type: 'x', body: body.join('') };
  };

  test('long names: ustar prefix, pax, GNU; links and folders are left out', () => {
    const tarball = makeTarball([
      { name: 'package', type: '5' },
      { name: 'x.txt', prefix: 'package/far', body: '1' },
      pax('mtime=1234567890.123456789', 'path=package/ä/from-pax'),
      { name: 'package/short', body: '2' },
      { name: '././@LongLink', type: 'L', body: `package/${'l'.repeat(120)}\0` },
      { name: 'package/short', body: '3' },
      { name: 'pax_global_header', type: 'g', body: '14 comment=x\n' },
      { name: 'package/link', type: '2', link: '/etc' },
      { name: 'package/last', body: '4'.repeat(513) },
    ]);
    const files = readTarball(tarball);
    expect([...files.keys()]).toEqual(['far/x.txt', 'ä/from-pax', 'l'.repeat(120), 'last']);
    expect([...files.values()].map((bytes) => bytes.length)).toEqual([1, 1, 1, 513]);
  });

  test.each([
    '../evil',
    'package/../evil',
    'package/a/../../evil',
    '/etc/evil',
    'package//evil',
    'package\\..\\evil',
    'package/c:/evil',
    'evil',
  ])('refuses the path %s', (name) => {
    expect(() => names(makeTarball([{ name }]))).toThrow(/must lie inside its folder/);
    const long = makeTarball([pax(`path=${name}`), { name: 'package/ok' }]);
    expect(() => names(long)).toThrow(/must lie inside its folder/);
  });

  test('refuses damage: a header that does not add up, a file or a header that is cut, no gzip', () => {
    const tar = makeTar([
      { name: 'package/a', body: 'a' },
      { name: 'package/b', body: 'b' },
    ]);
    const changed = Buffer.from(tar);
    changed[0] = 0x71;
    for (const [bytes, reason] of [
      [gzipSync(changed), 'checksum failure'],
      [gzipSync(tar.subarray(0, 512)), 'Truncated input'],
      [gzipSync(tar.subarray(0, 1100)), 'must end with a whole block'],
      [gzipSync(tar).subarray(0, 60), 'unexpected end of file'],
      [tar, 'incorrect header check'],
    ] as const) {
      expect(() => names(bytes)).toThrow(new RegExp(`^the tarball is damaged: .*${reason}`));
    }
  });

  test('mutated archives are read or refused, and never hang', () => {
    const valid = makeTar([
      pax('path=package/abcd'),
      { name: 'package/a', body: 'aaaa' },
      { name: 'package/b', body: 'bb' },
    ]);
    const place = fc.nat(valid.length - 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 }), place, (sets, cut) => {
        const bytes = Buffer.from(cut % 2 ? valid.subarray(0, cut) : valid);
        for (const [at, byte] of sets) if (at < bytes.length) bytes[at] = byte;
        try {
          for (const name of names(gzipSync(bytes))) expect(name).not.toMatch(/(^|\/)\.\.(\/|$)/);
        } catch (error) {
          expect((error as Error).message).toMatch(/tar|file|pax/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
