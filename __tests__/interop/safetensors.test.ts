/** safetensors: bytes round-trip, the reference writer's files come out alike, hostile files are refused. */
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

const fixtures = path.join(__dirname, '../fixtures');

/** A file of that header text and that many bytes of data, every length right unless said. */
function file(header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (shape: string, begin: number | string, end: number | string, dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

function bytesOf(data: ArrayBufferView): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function expectSameBits(actual: StateDict, expected: StateDict): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, tensor] of Object.entries(expected)) {
    expect(actual[name].shape).toEqual(tensor.shape);
    expect(actual[name].dtype).toBe(tensor.dtype);
    expect(actual[name].data.constructor).toBe(tensor.data.constructor);
    expect(bytesOf(actual[name].data).equals(bytesOf(tensor.data))).toBe(true);
  }
}

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

describe('hostile files', () => {
  const hostile: [what: string, bytes: Uint8Array, message: RegExp][] = [
    ['empty', new Uint8Array(0), /8 bytes of header length, but has 0/],
    ['shorter than a length', new Uint8Array(7), /but has 7/],
    ['header beyond the file', file('{}', 0, 3n), /at most 2 in a file of 10 bytes, but got 3/],
    ['header of 2^64 - 1 bytes', file('{}', 0, 2n ** 64n - 1n), /but got 18446744073709551615/],
    [
      'header of 1 GB',
      file('{}', 0, 2n ** 30n),
      /at most 2 in a file of 10 bytes, but got 1073741824/,
    ],
    ['header of 2^63 bytes', file('{}', 0, 2n ** 63n), /but got 9223372036854775808/],
    ['no header', file(''), /'\{' as the first character at character 0, but got its end/],
    ['blank before the brace', file(' {}'), /first character/],
    ['byte order mark', file('\ufeff{}'), /first character/],
    ['invalid UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /valid UTF-8/],
    ['an array', file('[]'), /first character/],
    ['half a header', file('{"a":'), /'\{' at character 5, but got its end/],
    ['text after the header', file('{}{}'), /nothing after/],
    ['trailing comma', file(`{"a":${entry('[]', 0, 1)},}`, 1), /a string/],
    ['unclosed string', file('{"a'), /closed string/],
    ['a backslash at the end', file('{"a\\'), /closed string/],
    ['a control character', file('{"a\n":1}'), /valid JSON/],
    ['deep nesting', file('{"a":'.repeat(100_000)), /has a field "a"/],
    ['deep arrays', file(`{"a":{"shape":${'['.repeat(100_000)}`), /integers/],
    ['many axes', file(`{"a":${entry(`[${Array(65).fill(1)}]`, 0, 1)}}`, 1), /at most 64/],
    [
      'a name twice',
      file(`{"a":${entry('[]', 0, 1)},"\\u0061":${entry('[]', 1, 2)}}`, 2),
      /"a" comes twice/,
    ],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1),
      /"dtype" comes twice/,
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /comes twice/],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}'), /a string/],
    ['__proto__', file(`{"__proto__":${entry('[]', 0, 1)}}`, 1), /must not be named "__proto__"/],
    ['escaped __proto__', file(`{"\\u005f_proto__":${entry('[]', 0, 1)}}`, 1), /__proto__/],
    ['__proto__ in metadata', file('{"__metadata__":{"__proto__":"x"}}'), /__proto__/],
    ['a lone surrogate', file(`{"\\ud800":${entry('[]', 0, 1)}}`, 1), /well-formed Unicode/],
    [
      'no shape',
      file('{"a":{"dtype":"U8","data_offsets":[0,1]}}', 1),
      /must have a dtype, a shape/,
    ],
    [
      'one offset',
      file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0]}}', 1),
      /two data_offsets/,
    ],
    [
      'three offsets',
      file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}', 1),
      /at most 2/,
    ],
    ['an unknown field', file('{"a":{"stride":[1]}}'), /field "stride"/],
    [
      'an unknown dtype',
      file(`{"a":${entry('[]', 0, 1, 'F8_E4M3')}}`, 1),
      /one of I64.*got "F8_E4M3"/,
    ],
    [
      'a dtype of Object',
      file(`{"a":${entry('[]', 0, 1, 'constructor')}}`, 1),
      /dtype of tensor "a"/,
    ],
    ['a negative size', file(`{"a":${entry('[-1]', 0, 1)}}`, 1), /integers from 0.*got -1/],
    ['a fraction', file(`{"a":${entry('[1.5]', 0, 1)}}`, 1), /got 1\.5/],
    ['an exponent', file(`{"a":${entry('[1e0]', 0, 1)}}`, 1), /got 1e0/],
    ['a size of 2^53', file(`{"a":${entry('[9007199254740992]', 0, 1)}}`, 1), /2\^53/],
    ['a text for a size', file(`{"a":${entry('["1"]', 0, 1)}}`, 1), /integers/],
    [
      'a product that overflows',
      file(`{"a":${entry('[4294967296,4294967296]', 0, 0)}}`),
      /fewer than 2\^53/,
    ],
    ['too few bytes', file(`{"a":${entry('[3]', 0, 2)}}`, 2), /3 bytes, but .* 2 bytes/],
    ['too many bytes', file(`{"a":${entry('[1]', 0, 8, 'F32')}}`, 8), /4 bytes, but .* 8 bytes/],
    ['offsets backwards', file(`{"a":${entry('[]', 1, 0)}}`, 1), /backwards/],
    ['offsets beyond the data', file(`{"a":${entry('[2]', 0, 2)}}`, 1), /within the 1 bytes/],
    ['offsets of 2^53 - 1', file(`{"a":${entry('[1]', 0, 2 ** 53 - 1)}}`, 1), /within the 1 bytes/],
    [
      'an overlap',
      file(`{"a":${entry('[2]', 0, 2)},"b":${entry('[2]', 1, 3)}}`, 3),
      /"b".*overlap/,
    ],
    [
      'the same bytes twice',
      file(`{"a":${entry('[2]', 0, 2)},"b":${entry('[2]', 0, 2)}}`, 2),
      /overlap/,
    ],
    ['a gap', file(`{"a":${entry('[1]', 0, 1)},"b":${entry('[1]', 2, 3)}}`, 3), /gap/],
    ['a gap before the first', file(`{"a":${entry('[1]', 1, 2)}}`, 2), /gap/],
    ['bytes left over', file(`{"a":${entry('[1]', 0, 1)}}`, 2), /cover all 2 bytes.*end at 1/],
    ['data without tensors', file('{}', 1), /cover all 1 bytes/],
  ];
  test.each(hostile)('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test('no bytes at all', () => {
    for (const nothing of [null, undefined, 'text', {}, [1]]) {
      expect(() => readSafetensors(nothing as never)).toThrow(SafetensorsError);
    }
  });

  test('a mutated file is read or refused, with the typed error, and never hangs', () => {
    const valid = writeSafetensors(
      {
        weight: { shape: [2, 3], data: Float32Array.from({ length: 6 }, (_, i) => i) },
        count: { shape: [], dtype: 'I64', data: BigInt64Array.of(3n) },
        mask: { shape: [5], dtype: 'BOOL', data: Uint8Array.of(1, 0, 1, 1, 0) },
      },
      { format: 'pt' },
    );
    const mutation = fc.record({
      at: fc.nat(valid.length - 1),
      byte: fc.nat(255),
      kind: fc.constantFrom('set', 'insert', 'delete', 'cut'),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const bytes = [...valid];
        for (const { at, byte, kind } of mutations) {
          if (kind === 'set') bytes[at % bytes.length] = byte;
          else if (kind === 'insert') bytes.splice(at, 0, byte);
          else if (kind === 'delete') bytes.splice(at, 1);
          else bytes.length = Math.max(1, at % (bytes.length + 1));
        }
        try {
          const tensors = readSafetensors(Uint8Array.from(bytes));
          expectSameBits(readSafetensors(writeSafetensors(tensors)), tensors);
        } catch (error) {
          if (!(error instanceof SafetensorsError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('any bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(220), (body, length) => {
        try {
          readSafetensors(file(body, 0, BigInt(length)));
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
    );
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
