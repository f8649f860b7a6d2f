/** Checkpoints written: read back to the bit; what cannot be written is said. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { CheckpointError } from '../../interop/checkpoint_error';
import { dtypeNames, dtypes, emptyStateDict, type StateDict } from '../../interop/state_dict';
import { readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { writeTorchCheckpoint } from '../../interop/torch_checkpoint_writer';

const tensor = fc
  .record({
    dtype: fc.constantFrom(...dtypeNames),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    bits: fc.uint8Array({ minLength: 2048, maxLength: 2048 }),
  })
  .map(({ dtype, shape, bits }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return {
      dtype,
      shape,
      data: dtypes[dtype].view(bits.slice().buffer, 0, count),
    } as StateDict[string];
  });
const name = fc
  .string({ unit: 'grapheme' })
  .filter(
    (text) => !['__proto__', '__metadata__'].includes(text) && !/^(module|_orig_mod)\./.test(text),
  );
const stateDict = fc
  .dictionary(name, tensor, { minKeys: 1, maxKeys: 6 })
  .map((entries) => Object.assign(emptyStateDict(), entries));
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }));
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, -0, Infinity),
    number,
    // What fits a number comes back as one.
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
    fc.bigInt({ min: -(2n ** 200n), max: -(2n ** 53n) }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc
      .array(fc.tuple(fc.integer(), tie('value')), { minLength: 1, maxLength: 3 })
      .map((entries) => new Map(entries)),
    fc.array(fc.integer(), { maxLength: 4 }).map((items) => new Set(items)),
    tensor,
  ),
})).value;

const bits = (dict: StateDict) =>
  Object.entries(dict).map(([key, { shape, dtype, data }]) => [
    key,
    shape,
    dtype,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
  ]);

test('whatever is written is read again, in order and to the bit', () => {
  fc.assert(
    fc.property(
      stateDict,
      fc.option(stateDict, { nil: undefined }),
      plain,
      fc.constantFrom('state_dict' as const, 'model' as const),
      (tensors, ema, value, stateDictKey) => {
        const meta = { epoch: 3, value };
        const options = { stateDictKey, ...(ema && { stateDictEma: ema }) };
        const read = readTorchCheckpoint(writeTorchCheckpoint(tensors, meta, options));
        expect(bits(read.stateDict)).toEqual(bits(tensors));
        expect(read.stateDictEma && bits(read.stateDictEma)).toEqual(ema && bits(ema));
        expect(read.meta).toEqual(meta);
      },
    ),
    { numRuns: 300 },
  );
});

test('the weights alone', () => {
  const read = readTorchCheckpoint(
    writeTorchCheckpoint(
      { a: { shape: [2], data: Float32Array.of(1, 2) } },
      {},
      { stateDictKey: null },
    ),
  );
  expect(read.stateDict.a).toEqual({ shape: [2], dtype: 'F32', data: Float32Array.of(1, 2) });
  expect(read.meta).toEqual({});
});

test('all of a real checkpoint, optimizer too, goes through', () => {
  const path = join(__dirname, '../fixtures/checkpoints/timm_checkpoint_legacy.pth.tar');
  const { stateDict, stateDictEma, meta } = readTorchCheckpoint(new Uint8Array(readFileSync(path)));
  const again = readTorchCheckpoint(
    writeTorchCheckpoint(stateDict, meta, { stateDictEma: stateDictEma! }),
  );
  expect(bits(again.stateDict)).toEqual(bits(stateDict));
  expect(bits(again.stateDictEma!)).toEqual(bits(stateDictEma!));
  expect(again.meta).toEqual(meta);
});

const a = { shape: [1], data: Float32Array.of(1) };
const cyclic: unknown[] = [];
cyclic.push(cyclic);
test.each<[string, () => unknown, RegExp]>([
  [
    'a function in meta',
    () => writeTorchCheckpoint({ a }, { f: () => 1 }),
    /meta|checkpoint\.f must be/,
  ],
  ['a Date in meta', () => writeTorchCheckpoint({ a }, { d: new Date(0) }), /\.d must be/],
  ['what holds itself', () => writeTorchCheckpoint({ a }, { cyclic }), /100 deep/],
  ['weights in meta', () => writeTorchCheckpoint({ a }, { model: 1 }), /must not have model/],
  [
    'meta beside bare weights',
    () => writeTorchCheckpoint({ a }, { e: 1 }, { stateDictKey: null }),
    /no place/,
  ],
  [
    'a tensor that does not fill its shape',
    () => writeTorchCheckpoint({ a: { ...a, shape: [2] } }),
    /shape of tensor "a"/,
  ],
  [
    'a tensor in meta that does not',
    () => writeTorchCheckpoint({ a }, { t: { ...a, shape: [2], dtype: 'F32' } }),
    /shape of tensor/,
  ],
  ['a lone surrogate', () => writeTorchCheckpoint({ a }, { t: '\ud800' }), /well-formed/],
])('%s is refused', (_, write, message) => {
  expect(write).toThrow(CheckpointError);
  expect(write).toThrow(message);
});
test('options that there are not', () => {
  expect(() => writeTorchCheckpoint({ a }, {}, { key: 1 } as never)).toThrow(/no option 'key'/);
  expect(() => writeTorchCheckpoint({ a }, {}, { stateDictKey: 'net' as never })).toThrow(/one of/);
});
