/** Checkpoints that are whole, and what must come of one that is not: a typed, short error in bounded time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '../../interop/checkpoint_error';
import { readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { cpuMilliseconds } from '../../scripts/soak/cpu_time';

export const legacy = new Uint8Array(
  readFileSync(join(__dirname, '../fixtures/checkpoints/torch_legacy.pth')),
);
export const real = new Uint8Array(
  readFileSync(join(__dirname, '../fixtures/checkpoints/torch_zip.pth')),
);

export function refused(file: Uint8Array, message: RegExp): CheckpointError {
  let error: unknown;
  const begun = cpuMilliseconds();
  try {
    readTorchCheckpoint(file);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message.length).toBeLessThan(500);
  expect(cpuMilliseconds() - begun).toBeLessThan(5000);
  return error as CheckpointError;
}
