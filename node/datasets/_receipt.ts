/** The receipt stored with a data set's files: what an archive unpacked to, with hashes. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../files/files';
import { hashFile } from '../files/hash';
import { isNatural, isRecord } from '../files/json';
import type { Archive } from './info';
import type { UnpackedFiles } from './unpack';

/** The files from an archive, with the archive's hash. */
export interface Receipt {
  archive: string;
  digest: string;
  files: UnpackedFiles;
}

const receiptPath = (root: string, archive: string) => join(root, `.${archive}.json`);

export function writeReceipt(root: string, receipt: Receipt): Promise<void> {
  const json = Buffer.from(`${JSON.stringify(receipt)}\n`);
  return writeAtomically(receiptPath(root, receipt.archive), [json]);
}

/** Null if the archive has not been unpacked, the receipt is damaged, or some of its files are missing or truncated. */
export async function readReceipt(root: string, archive: Archive): Promise<Receipt | null> {
  let receipt: unknown;
  try {
    receipt = JSON.parse(await fs.readFile(receiptPath(root, archive.file), 'utf8'));
  } catch {
    return null;
  }
  if (!isReceipt(receipt) || receipt.digest !== archive.hash.digest) return null;
  for (const [path, { bytes }] of Object.entries(receipt.files)) {
    if ((await fs.stat(join(root, path)).catch(() => null))?.size !== bytes) return null;
  }
  return receipt;
}

function isReceipt(value: unknown): value is Receipt {
  if (!isRecord(value) || typeof value.digest !== 'string' || !isRecord(value.files)) return false;
  return Object.values(value.files).every(
    (file) => isRecord(file) && isNatural(file.bytes) && typeof file.sha256 === 'string',
  );
}

/** The files of a receipt that have changed since they were unpacked. */
export async function changedFiles(
  root: string,
  { files }: Receipt,
  onFile?: () => void,
): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, { sha256 }] of Object.entries(files)) {
    const found = await hashFile(join(root, path), 'sha256').catch(() => null);
    if (found?.digest !== sha256) changed.push(path);
    onFile?.();
  }
  return changed;
}
