/** Hostile safetensors files are refused by a typed error that names what is wrong, mutated ones read or refused. */
import fc from 'fast-check';
import { readSafetensors, SafetensorsError, writeSafetensors } from '../../interop/safetensors';
import { entry, expectSameBits, file } from './safetensors_file';

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
