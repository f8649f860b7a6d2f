/**
 * Real checkpoints with bytes changed, moved, cut and grown, some packed again so that every checksum
 * holds: each must be read, or refused with a CheckpointError, in little time and memory.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readNow } from '../../interop/byte_source';
import { CheckpointError } from '../../interop/checkpoint_error';
import { elementCount } from '../../interop/state_dict';
import { readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { readMember, readZipDirectory } from '../../interop/torch_file/zip';
import { writeZip } from '../../interop/torch_file/zip_writer';
import { Random } from '../../lib/random';
import { cpuMilliseconds } from './cpu_time';

/** npm and jest both run in the repository's root. */
const folder = resolve('__tests__/fixtures/checkpoints');

/** Small files of every format; the last is one that the authors' scripts left. */
const FILES = [
  'torch_zip.pth',
  'torch_legacy.pth',
  'torch_protocol5.pth',
  'torch_bare.pth',
  'dvs_style_checkpoint.pth',
];

/** Numbers that lie at the edges of what sizes and counts can be. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

export interface MutationOptions {
  /** How many files. */
  count: number;
  seed: number;
}

export interface MutationResult {
  read: number;
  refused: number;
  slowestMs: number;
}

function changed(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(random.integer(2) ? 8 : 400);
  const end = Math.min(bytes.length, at + length);
  const result = bytes.slice();
  switch (random.integer(7)) {
    case 0: // one bit
      result[at] = result[at]! ^ (1 << random.integer(8));
      return result;
    case 1: // a few bytes
      for (let i = at; i < Math.min(end, at + 4); i++) result[i] = random.integer(256);
      return result;
    case 2: {
      // a number at its edge
      const value = EXTREMES[random.integer(EXTREMES.length)]!;
      if (at + 4 <= result.length) new DataView(result.buffer).setUint32(at, value, true);
      return result;
    }
    case 3: // cut short
      return bytes.slice(0, at);
    case 4: // a part taken out
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
    case 5: // a part twice
      return Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(at)]);
    default: // a part moved
      result.copyWithin(random.integer(bytes.length), at, end);
      return result;
  }
}

/** The same archive with the pickle changed and all checksums right. */
function repacked(bytes: Uint8Array, random: Random): Uint8Array {
  const members = [...readNow(readZipDirectory(bytes.length), bytes).values()];
  return writeZip(
    members.map((member) => {
      const { data } = readNow(readMember(member), bytes);
      return {
        name: member.name,
        data: member.name.endsWith('.pkl') ? changed(data, random) : data,
      };
    }),
  );
}

/** Reads `count` damaged files; throws where one neither is read nor refused as it should. */
export function mutateCheckpoints({ count, seed }: MutationOptions): MutationResult {
  const random = new Random(seed);
  const originals = FILES.map((name) => new Uint8Array(readFileSync(resolve(folder, name))));
  const result: MutationResult = { read: 0, refused: 0, slowestMs: 0 };
  for (let i = 0; i < count; i++) {
    // The small ones mostly: the large one takes ten times as long.
    const which = random.integer(40) === 0 ? FILES.length - 1 : random.integer(FILES.length - 1);
    const original = originals[which]!;
    const zip = original[0] === 0x50;
    let bytes = zip && random.integer(3) ? repacked(original, random) : changed(original, random);
    if (random.integer(4) === 0 && bytes.length > 0) bytes = changed(bytes, random);
    const begun = cpuMilliseconds();
    try {
      const { stateDict } = readTorchCheckpoint(bytes);
      for (const [name, { shape, data }] of Object.entries(stateDict)) {
        if (elementCount(shape) !== data.length) throw new Error(`${name} does not fill its shape`);
      }
      result.read++;
    } catch (error) {
      if (!(error instanceof CheckpointError)) {
        throw new Error(`case ${i} of seed ${seed}, ${FILES[which]}: ${(error as Error).stack}`);
      }
      result.refused++;
    }
    result.slowestMs = Math.max(result.slowestMs, cpuMilliseconds() - begun);
  }
  return result;
}
