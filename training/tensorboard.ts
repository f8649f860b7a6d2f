/**
 * TensorBoard's event files: TFRecords (length, its checksum, bytes, their checksum) of Event messages in protocol
 * buffers, with the few fields that scalars need (tensorflow/core/util/event.proto).
 */
import { maskedCrc32c } from './_crc32c';

type Bytes = number[] | Uint8Array;

/** The first record of a file: its version. `seconds` since 1970. */
export function fileVersionRecord(seconds: number): Uint8Array {
  return record([...double(1, seconds), ...lengthDelimited(3, utf8('brain.Event:2'))]);
}

/** Tells TensorBoard that the run starts or resumes at `step`: later records that it already has are void. */
export function sessionStartRecord(step: number, seconds: number): Uint8Array {
  const start = varintField(1, 1); // SessionLog.status = START
  return record([...double(1, seconds), ...varintField(2, step), ...lengthDelimited(7, start)]);
}

/** Values by tag, such as 'test/accuracy', at one step. NaN and Infinity are left out. */
export function scalarsRecord(
  values: Readonly<Record<string, number | null>>,
  step: number,
  seconds: number,
): Uint8Array {
  const summary = Object.entries(values).flatMap(([tag, value]) => {
    if (value === null || !Number.isFinite(value)) return [];
    return lengthDelimited(1, [...lengthDelimited(1, utf8(tag)), ...float(2, value)]);
  });
  return record([...double(1, seconds), ...varintField(2, step), ...lengthDelimited(5, summary)]);
}

function record(message: Bytes): Uint8Array {
  const bytes = Uint8Array.from(message);
  const out = new Uint8Array(16 + bytes.length);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedCrc32c(bytes), true);
  return out;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const key = (field: number, wireType: number) => varint(field * 8 + wireType);
const varintField = (field: number, value: number) => [...key(field, 0), ...varint(value)];

function double(field: number, value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...key(field, 1), ...bytes];
}

function float(field: number, value: number): number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [...key(field, 5), ...bytes];
}

function lengthDelimited(field: number, bytes: Bytes): number[] {
  return [...key(field, 2), ...varint(bytes.length), ...bytes];
}
