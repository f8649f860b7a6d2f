/** safetensors: bytes round-trip, the reference writer's files come out alike, tensors are read one by one. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import {
  openSafetensors,
  readSafetensors,
  readSafetensorsMetadata,
  SafetensorsError,
  writeSafetensors,
} from '../../interop/safetensors';
import { dtypeNames, dtypes, emptyStateDict, type StateDict } from '../../interop/state_dict';
import { entry, expectSameBits, file } from './safetensors_file';

const fixtures = path.join(__dirname, '../fixtures');

/** Tensors of any dtype and shape over any bits. */
const tensor = fc
  .record({
    dtype: fc.constantFrom(...dtypeNames),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    bits: fc.uint8Array({ minLength: 2048, maxLength: 2048 }),
  })
  .map(({ dtype, shape, bits }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = dtypes[dtype].view(bits.slice().buffer, 0, count);
    return { dtype, shape, data } as StateDict[string];
  });
const stateDict = fc
  .dictionary(
    fc.string({ unit: 'grapheme' }).filter((name) => !['__proto__', '__metadata__'].includes(name)),
    tensor,
    { maxKeys: 6 },
  )
  .map((entries) => Object.assign(emptyStateDict(), entries));

describe('reading and writing', () => {
  test('round-trips every dtype, shape, name and bit pattern', () => {
    fc.assert(
      fc.property(stateDict, fc.integer({ min: 0, max: 7 }), (tensors, shift) => {
        const written = writeSafetensors(tensors);
        // Anywhere in memory, so that views and copies both occur.
        const moved = new Uint8Array(written.length + shift).subarray(shift);
        moved.set(written);
        const read = readSafetensors(moved);
        expect(Object.getPrototypeOf(read)).toBeNull();
        expectSameBits(read, tensors);
        expect(writeSafetensors(read)).toEqual(written);
      }),
      { numRuns: 200 },
    );
  });

  const written = readdirSync(path.join(fixtures, 'ops')).filter((f) => f.endsWith('.safetensors'));
  test.each(written)('%s, written by the reference, comes out byte for byte', (name) => {
    const bytes = readFileSync(path.join(fixtures, 'ops', name));
    expect(Buffer.compare(writeSafetensors(readSafetensors(bytes)), bytes)).toBe(0);
  });

  test('an ArrayBuffer, a lone number, names of Object members', () => {
    const tensors: StateDict = Object.assign(emptyStateDict(), {
      constructor: { shape: [], dtype: 'I64', data: new BigInt64Array([-7n]) },
      toString: { shape: [0, 3], dtype: 'F64', data: new Float64Array(0) },
    });
    const read = readSafetensors(writeSafetensors(tensors).buffer);
    expectSameBits(read, tensors);
    expect(read.hasOwnProperty).toBeUndefined();
  });

  test('an F32 tensor may leave its dtype out', () => {
    const read = readSafetensors(
      writeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } }),
    );
    expect(read.a).toEqual({ shape: [2], dtype: 'F32', data: Float32Array.of(1, 2) });
  });

  test('aligned tensors are views, unaligned ones copies', () => {
    const bytes = writeSafetensors({ a: { shape: [1], data: Float32Array.of(1) } });
    const aligned = readSafetensors(bytes).a.data;
    expect(aligned.buffer).toBe(bytes.buffer);
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const copied = readSafetensors(shifted).a.data;
    expect(copied.buffer).not.toBe(shifted.buffer);
    expect(copied).toEqual(aligned);
  });

  test('metadata is kept apart from the tensors', () => {
    const metadata = { format: 'pt', 'a "key"': 'ü\n' };
    const bytes = writeSafetensors({}, metadata);
    expect(readSafetensors(bytes)).toEqual(emptyStateDict());
    expect({ ...readSafetensorsMetadata(bytes) }).toEqual(metadata);
    expect({ ...readSafetensorsMetadata(writeSafetensors({})) }).toEqual({});
  });

  test('escaped names, blanks between tokens and padding are JSON and allowed', () => {
    const header = `{ "\\u0061" :\t{ "shape" : [ 2 , 1 ],"data_offsets":[0,2], "dtype":"U8" } }\n  `;
    expect(readSafetensors(file(header, 2)).a.shape).toEqual([2, 1]);
  });
});

describe('opened, not read whole', () => {
  const source = (bytes: Uint8Array, size = bytes.length) => ({
    size,
    read: async (begin: number, end: number) => bytes.slice(begin, end),
  });

  test('the header first, each tensor when it is asked for', async () => {
    const bytes = readFileSync(path.join(fixtures, 'ops/plif.safetensors'));
    const asked: number[] = [];
    const { stateDict } = await openSafetensors({
      size: bytes.length,
      read: async (begin: number, end: number) => {
        asked.push(end - begin);
        return Uint8Array.from(bytes.subarray(begin, end));
      },
    });
    expect(asked).toHaveLength(2);
    const whole = readSafetensors(bytes);
    const read = emptyStateDict();
    for (const [name, tensor] of Object.entries(stateDict)) {
      expect([tensor.shape, tensor.dtype]).toEqual([whole[name].shape, whole[name].dtype]);
      read[name] = await tensor.read();
    }
    expectSameBits(read, whole);
  });

  test('a header of 1 GB in a file of 4 GB is refused before it is read', async () => {
    const opened = openSafetensors(source(file('{}', 0, 2n ** 30n), 2 ** 32));
    await expect(opened).rejects.toThrow(/at most 100000000 .* but got 1073741824/);
  });

  test('hostile headers are refused as in memory', async () => {
    const overlap = file(`{"a":${entry('[2]', 0, 2)},"b":${entry('[2]', 1, 3)}}`, 3);
    await expect(openSafetensors(source(overlap))).rejects.toThrow(/overlap/);
    await expect(openSafetensors(source(new Uint8Array(3)))).rejects.toThrow(SafetensorsError);
  });
});

describe('tensors that cannot be written', () => {
  const data = Float32Array.of(1, 2);
  test.each<[string, unknown, RegExp]>([
    [
      'a shape of other size',
      { a: { shape: [3], data } },
      /shape of tensor "a" must hold the 2 elements.*got \[3\]/,
    ],
    ['a negative size', { a: { shape: [-1, -2], data } }, /shape of tensor "a"/],
    ['no shape', { a: { data } }, /shape of tensor "a"/],
    [
      'data of another dtype',
      { a: { shape: [2], dtype: 'F64', data } },
      /must be a Float64Array for F64, but got Float32Array/,
    ],
    [
      'half floats as floats',
      { a: { shape: [2], dtype: 'F16', data } },
      /must be a Uint16Array for F16/,
    ],
    [
      'an array',
      { a: { shape: [2], dtype: 'F32', data: [1, 2] } },
      /must be a Float32Array for F32, but got Array/,
    ],
    ['an unknown dtype', { a: { shape: [2], dtype: 'C64', data } }, /one of I64.*got "C64"/],
    ['the name __metadata__', { __metadata__: { shape: [2], data } }, /__metadata__/],
    ['a lone surrogate', { '\ud800': { shape: [2], data } }, /well-formed/],
  ])('%s', (_, tensors, message) => {
    expect(() => writeSafetensors(tensors as never)).toThrow(SafetensorsError);
    expect(() => writeSafetensors(tensors as never)).toThrow(message);
  });
  test('the name __proto__', () => {
    const tensors = JSON.parse('{"__proto__":{}}');
    expect(() => writeSafetensors(tensors)).toThrow(/must not be named "__proto__"/);
  });
});
