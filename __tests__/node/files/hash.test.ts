import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile, hashOf } from '../../../node/files/hash';
import { temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();

test('parts are hashed one after the other', () => {
  // FIPS 180-2's example.
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(hashOf(['abc'])).toBe(abc);
  expect(hashOf(['a', Buffer.from('bc')])).toBe(abc);
  expect(hashOf(['abc'], 'md5')).toBe('900150983cd24fb0d6963f7d28e17f72');
});

test('a file of more than one read', async () => {
  const bytes = Buffer.alloc(2 ** 20 + 5, 'x');
  const path = join(directory, 'file');
  writeFileSync(path, bytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  expect(await hashFile(path, 'sha256')).toEqual({ digest, bytes: bytes.length });
  await expect(hashFile(join(directory, 'none'), 'sha256')).rejects.toThrow('ENOENT');
});
