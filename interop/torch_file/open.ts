/** Files by torch.save, opened: their pickle is read, their numbers when they are asked for. */

import { whatItIs } from '../beginning';
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';
import { beginsAsLegacy, openLegacy } from './_legacy_format';
import { openZip } from './_zip_format';
import type { PickleValue, TorchStorage } from './values';
import { beginsAsZip } from './zip';

/** A file by torch.save, its pickle read, its numbers not. */
export interface TorchFile {
  format: 'zip' | 'legacy';
  value: PickleValue;
  /** Bytes `begin` to `end` of a storage. */
  read(storage: TorchStorage, begin: number, end: number): Reading<Uint8Array>;
  /** Whether numbers lie with their highest byte first. */
  bigEndian: boolean;
}

/** As many bytes as tell what a file is. */
export const BEGINNING = 512;

/** Whether a file begins as those of torch.save do. */
export function beginsAsTorch(bytes: Uint8Array): boolean {
  return beginsAsZip(bytes) || beginsAsLegacy(bytes);
}

/** Opens a file of `size` bytes; `opaque`: whether unknown classes become opaque values. */
export function* openTorchFile(size: number, opaque: boolean): Reading<TorchFile> {
  const start = yield { begin: 0, end: Math.min(size, BEGINNING) };
  if (beginsAsZip(start)) return yield* openZip(size, opaque);
  if (beginsAsLegacy(start)) return yield* openLegacy(size, opaque);
  throw new CheckpointError(
    `a PyTorch checkpoint must begin as torch.save's files do, but this ${whatItIs(start)}`,
    0,
  );
}
