/** Hashes in hexadecimal, of memory and of files of any size. */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';

export type HashAlgorithm = 'md5' | 'sha256' | 'sha512';

/** The hash of the parts, one after the other. */
export function hashOf(
  parts: Iterable<string | Uint8Array>,
  algorithm: HashAlgorithm = 'sha256',
): string {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Hash and size of a file of any size. */
export async function hashFile(
  path: string,
  algorithm: HashAlgorithm,
): Promise<{ digest: string; bytes: number }> {
  const hash = createHash(algorithm);
  const handle = await fs.open(path);
  const buffer = Buffer.allocUnsafe(2 ** 20);
  let bytes = 0;
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return { digest: hash.digest('hex'), bytes };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
