/** Unpacking a wheel: what is asked for, nothing else, and nothing outside of the folder. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackWheel } from '../../../node/native/wheel';
import { temporaryDirectory } from '../../support/process';
import { makeZip, type ZipEntry } from './_fakes';

const directory = temporaryDirectory();
let count = 0;

/** Writes the archive and unpacks it to a folder of its own. */
async function unpack(entries: ZipEntry[] | Buffer, wanted = (_: string) => true) {
  const home = join(directory, String(count++));
  const path = `${home}.whl`;
  writeFileSync(path, Buffer.isBuffer(entries) ? entries : makeZip(entries));
  const seen: [number, number][] = [];
  const names = await unpackWheel(path, home, wanted, (...progress) => seen.push(progress));
  return { home, names, seen };
}

test('writes the chosen files, packed or stored, and says how far it is', async () => {
  const large = 'x'.repeat(100_000);
  const { home, names, seen } = await unpack(
    [
      { name: 'tensorflow/' },
      { name: 'tensorflow/large', data: large },
      { name: 'tensorflow/stored', data: 'abc', stored: true },
      { name: 'tensorflow/empty' },
      { name: 'other/file', data: 'not wanted' },
    ],
    (name) => name.startsWith('tensorflow/'),
  );
  expect(names).toEqual(['tensorflow/large', 'tensorflow/stored', 'tensorflow/empty']);
  expect(readFileSync(join(home, 'tensorflow/large'), 'utf8')).toBe(large);
  expect(readFileSync(join(home, 'tensorflow/stored'), 'utf8')).toBe('abc');
  expect(readFileSync(join(home, 'tensorflow/empty'), 'utf8')).toBe('');
  expect(readdirSync(home)).toEqual(['tensorflow']);
  expect(seen.at(-1)).toEqual([100_003, 100_003]);
});

test.each([
  '../escaped',
  'tensorflow/../../escaped',
  '/escaped',
  'tensorflow//escaped',
  './escaped',
  'tensorflow\\..\\..\\escaped',
  'C:/escaped',
  'tensorflow/escaped\0.h',
])('refuses the whole archive for a file named %j, wanted or not', async (name) => {
  const entries = [{ name: 'tensorflow/innocent', data: 'x' }, { name }];
  await expect(unpack(entries, (wanted) => wanted.includes('innocent'))).rejects.toThrow(
    /path leads out of the target folder/,
  );
  expect(existsSync(join(directory, String(count - 1)))).toBe(false);
});

test('refuses links', async () => {
  const entries = [{ name: 'tensorflow/include', data: '/etc', mode: 0o120777 }];
  await expect(unpack(entries)).rejects.toThrow(/holds a link, "tensorflow\/include"/);
});

test('refuses a file that is larger than it says, or smaller', async () => {
  const data = 'x'.repeat(1000);
  await expect(unpack([{ name: 'a', data, claimed: 999 }])).rejects.toThrow(
    /cannot unpack a of .*: too many bytes .* expected 999/,
  );
  await expect(unpack([{ name: 'a', data, claimed: 1001 }])).rejects.toThrow(
    /cannot unpack a of .*: not enough bytes .* expected 1001/,
  );
});

test('writes no file twice', async () => {
  await expect(unpack([{ name: 'a' }, { name: 'a' }])).rejects.toThrow(/EEXIST/);
});

test('says what is wrong with a damaged archive', async () => {
  const whole = makeZip([{ name: 'a', data: 'abc' }]);
  await expect(unpack(Buffer.from('no zip'))).rejects.toThrow(/is not a wheel/);
  await expect(unpack(whole.subarray(0, whole.length - 30))).rejects.toThrow(/is not a wheel/);
  await expect(unpack(whole.subarray(10))).rejects.toThrow(/is damaged/);
  const packed = Buffer.from(whole);
  packed.fill(255, 31, 34); // of the deflated bytes
  await expect(unpack(packed)).rejects.toThrow(/cannot unpack a of /);
  const broken = Buffer.from(whole);
  broken.writeUInt32LE(0, 0);
  await expect(unpack(broken)).rejects.toThrow(/cannot unpack a of .*: invalid local file header/);
});
