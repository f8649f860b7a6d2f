/** Checkpoints as other projects leave them (fixtures/checkpoints/make_others.py), and what is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interop } from '../../index';
import { archive, bytes, long, pickleOf, tensor, text } from '../support/pickles';

const folder = join(__dirname, '../fixtures/checkpoints');
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const other = (name: string, options?: interop.TorchReadOptions) =>
  interop.readTorchCheckpoint(read(`others_${name}`), options);

const weights = { 'a.weight': [0, 1, 2, 3], 'a.bias': [-1, 5] };
const values = (stateDict: interop.StateDict) =>
  Object.fromEntries(Object.entries(stateDict).map(([key, { data }]) => [key, [...data]]));

describe('weights are found', () => {
  const files: [name: string, key: string, meta: unknown, unknownClasses: 'error' | 'opaque'][] = [
    ['legacy_protocol3.pth', 'state_dict', { epoch: 3 }, 'error'],
    ['legacy_protocol4.pth', 'state_dict', { epoch: 3 }, 'error'],
    ['legacy_protocol5.pth', 'state_dict', { epoch: 3 }, 'error'],
    ['net.pth', 'net', { epoch: 3, best: expect.objectContaining({ shape: [] }) }, 'error'],
    ['nested.pth', 'checkpoint.my.model', { epoch: 3, checkpoint: { step: 7 } }, 'error'],
    ['list.pth', '0', { 1: 3 }, 'error'],
    ['subclass.pth', 'network', { epoch: 3 }, 'opaque'],
  ];
  test.each(files)('%s: %s', async (name, key, meta, unknownClasses) => {
    const options = { unknownClasses };
    const now = other(name, options);
    expect([now.key, now.meta, values(now.stateDict)]).toEqual([key, meta, weights]);
    const later = await interop.openTorchCheckpoint(new Blob([read(`others_${name}`)]), options);
    expect(values(await interop.readStateDict(later.stateDict))).toEqual(weights);
  });

  test('averaged ones beside them', () => {
    const { stateDictEma } = other('nested.pth');
    expect(values(stateDictEma!)).toEqual(weights);
  });

  test('of several, those that a key names; an optimizer has none', () => {
    expect(() => other('two.pth')).toThrow(
      /must have one state dict, or a key must say which; there are generator, discriminator$/,
    );
    const { stateDict, meta } = other('two.pth', { key: 'discriminator' });
    expect(values(stateDict)).toEqual(weights);
    expect(Object.keys(meta)).toEqual(['generator', 'optimizer']);
    expect(values(other('nested.pth', { key: 'checkpoint.my.model' }).stateDict)).toEqual(weights);
    expect(values(other('list.pth', { key: '0' }).stateDict)).toEqual(weights);
    expect(() => other('two.pth', { key: 'critic' })).toThrow(
      /key must lead to a dict, but got "critic"; there are generator, discriminator/,
    );
    expect(() => other('two.pth', { key: 3 as never })).toThrow(/key must be a text/);
  });

  test('state_dict and model come before others, as ever', () => {
    const entries = ['net', 'model', 'state_dict'].map((key) =>
      bytes(text(key), '}', text(`of ${key}`), tensor(), 's'),
    );
    const file = archive(bytes(0x80, 2, '}(', ...entries, 'u.'));
    expect(Object.keys(interop.readTorchCheckpoint(file).stateDict)).toEqual(['of state_dict']);
  });

  test('one dict under two keys is one', () => {
    const dict = bytes('}q\x07', text('a'), tensor(), 's');
    const file = archive(bytes(0x80, 2, '}(', text('net'), dict, text('same'), 'h\x07u.'));
    expect(interop.readTorchCheckpoint(file).key).toBe('net');
  });

  test.each([
    ['a whole module', 'module.pth', /unknown __main__\.Module: of a whole module, save/],
    ['TorchScript', 'torchscript.pt', /TorchScript archive .* save the state_dict\(\)/],
  ])('%s gets its own message', (_, name, message) => {
    expect(() => other(name, { unknownClasses: 'opaque' })).toThrow(message);
  });

  test('members beside the weights may be compressed', () => {
    const file = archive(pickleOf(tensor()), undefined, { notes: 'x' });
    const view = new DataView(file.buffer);
    let at = view.getUint32(file.length - 6, true);
    for (let i = 0; i < 2; i++) at += 46 + view.getUint16(at + 28, true);
    view.setUint16(at + 10, 8, true); // the method of x/notes
    view.setUint32(at + 24, 1000, true); // and its length
    expect(interop.readTorchCheckpoint(file).stateDict.a!.shape).toEqual([2]);
  });
});

describe('values beside the weights', () => {
  test('what weights_only=True takes is read, or stands for itself', () => {
    const unheld = (unheldTensor: string, ...shape: number[]) => ({ unheldTensor, shape });
    expect(other('taken.pth').meta).toEqual({
      complex: { real: 1, imag: 2 },
      layout: 'torch.strided',
      size: [2, 3],
      device: 'cuda:1',
      dtype: 'torch.float8_e5m2',
      scheme: 'torch.per_tensor_affine',
      keys: new Map<unknown, number>([
        ['torch.float32', 1],
        [[1, 'x'], 2],
        [Uint8Array.of(0x6b), 3],
      ]),
      z: unheld('complex64', 1),
      z_conj: unheld('complex64', 1),
      u16: unheld('uint16', 2),
      f8: unheld('float8_e4m3fn', 2),
      sparse: unheld('sparse', 2, 3),
      csr: unheld('sparse', 2, 3),
      quantized: unheld('quantized', 2, 3),
      meta: unheld('meta', 2, 3),
      storage: { shape: [2], dtype: 'F32', data: Float32Array.of(1, 2) },
      untyped: { shape: [2], dtype: 'U8', data: Uint8Array.of(1, 2) },
    });
  });

  test("NumPy's texts and dtypes", () => {
    expect(other('numpy.pth').meta).toEqual({
      ...{ text: 'größe', names: ['cat', 'dog'], big: 1.5 },
      ...{ float32: 'numpy.float32', bool: 'numpy.bool', text_type: 'numpy.dtype(U3)' },
    });
  });

  test.each(['opaque.pth', 'opaque_protocol4.pth'])('%s: anything, if it may be opaque', (name) => {
    expect(() => other(name)).toThrow(/asks for datetime\.datetime/);
    const { stateDict, meta } = other(name, { unknownClasses: 'opaque' });
    expect(values(stateDict)).toEqual(weights);
    expect(meta).toMatchObject({
      date: { unknownClass: 'datetime.datetime' },
      day: { unknownClass: 'numpy._core.multiarray.scalar' },
      colors: new Map([[{ unknownClass: '__main__.Color' }, 1]]),
    });
  });

  test('items of an unknown kind of dict are kept', () => {
    const args = bytes('caddict\nDict\n)', 0x81, text('lr'), 'K\x07s');
    const file = archive(
      bytes(0x80, 2, '}(', text('w'), '}', text('a'), tensor(), 's', text('args'), args, 'u.'),
    );
    expect(interop.readTorchCheckpoint(file, { unknownClasses: 'opaque' }).meta).toEqual({
      args: { unknownClass: 'addict.Dict', items: { lr: 7 } },
    });
  });

  test('extra state is read, and written again', () => {
    const { stateDict, extraState } = other('extra_state.pth');
    expect(values(stateDict)).toEqual(weights);
    expect(extraState).toEqual({ _extra_state: { scale: 0.5 } });
    const back = interop.writeTorchCheckpoint(stateDict, {}, { extraState: extraState! });
    expect(interop.readTorchCheckpoint(back)).toMatchObject({ extraState, key: 'state_dict' });
  });

  test('among the weights, what is no tensor is refused, or extra state where it may be opaque', () => {
    expect(() => other('complex_weight.pth')).toThrow(
      /state_dict: z must be a tensor, but is a complex64 tensor/,
    );
    const { stateDict, extraState } = other('complex_weight.pth', { unknownClasses: 'opaque' });
    expect(values(stateDict)).toEqual(weights);
    expect(extraState).toEqual({ z: { unheldTensor: 'complex64', shape: [1] } });
  });
});

describe('how tensors are rebuilt', () => {
  test.each(['negative.pth', 'negative_legacy.pth'])('%s: the negative bit is applied', (name) => {
    const { stateDict } = other(name);
    const expected = interop.readSafetensors(read('others_negative.expected.safetensors'));
    expect(Object.keys(stateDict).sort()).toEqual(Object.keys(expected).sort());
    for (const [key, { dtype, shape, data }] of Object.entries(expected)) {
      const got = stateDict[key]!;
      const hex = (d: typeof data) =>
        Buffer.from(d.buffer, d.byteOffset, d.byteLength).toString('hex');
      expect([key, got.dtype, got.shape, hex(got.data)]).toEqual([key, dtype, shape, hex(data)]);
    }
  });

  test('parameters with attributes, views of one storage, a subclass of Tensor', () => {
    expect(values(other('parameters.pth').stateDict)).toEqual({
      ...{ parameter: [1, 2], frozen: [5n], tagged: [3, 4] },
      ...{ first: [0, 1, 2, 3], second: [2, 4, 3, 5] },
    });
    const { stateDict } = other('tensor_subclass.pth', { unknownClasses: 'opaque' });
    expect(values(stateDict)).toEqual({ a: [1, 2] });
  });

  const storage = bytes(
    '(',
    text('storage'),
    'ctorch.cuda\nFloatStorage\n',
    text('0'),
    text('mps:0'),
    long(2n),
    'tQ',
  );
  const rebuilt = (...metadata: (string | Uint8Array | number)[]) =>
    archive(
      pickleOf(
        bytes(
          'ctorch._utils\n_rebuild_tensor_v2\n(',
          storage,
          'K\x00K\x02',
          0x85,
          'K\x01',
          0x85,
          0x89,
          'N',
          ...metadata,
          'tR',
        ),
      ),
      { 0: new Uint8Array(Float32Array.of(1, -2).buffer) },
    );
  const flag = (name: string, value: string | number) => bytes('}', text(name), value, 's');

  test("a storage of torch.cuda's, on any device", () => {
    expect(values(interop.readTorchCheckpoint(rebuilt()).stateDict)).toEqual({ a: [1, -2] });
  });

  test.each([
    ['none', 'N', [1, -2]],
    ['neg', flag('neg', 0x88), [-1, 2]],
    ['neg, not set', flag('neg', 0x89), [1, -2]],
    ['conj, of real numbers', flag('conj', 0x88), [1, -2]],
  ])('metadata %s', (_, metadata, a) => {
    expect(values(interop.readTorchCheckpoint(rebuilt(metadata)).stateDict)).toEqual({ a });
  });

  test.each([
    ['another flag', flag('scaled', 0x88), /metadata must be neg and conj, but has scaled/],
    ['a number for a flag', flag('neg', 'K\x01'), /metadata must be neg and conj/],
    ['a list', ']', /metadata must be a dict, but is list/],
  ])('metadata that may change numbers is refused: %s', (_, metadata, message) => {
    expect(() => interop.readTorchCheckpoint(rebuilt(metadata))).toThrow(message);
    expect(() =>
      interop.readTorchCheckpoint(rebuilt(metadata), { unknownClasses: 'opaque' }),
    ).toThrow(message);
  });

  test('a tensor from another device must have the dtype that it is saved in', () => {
    const moved = (dtype: string) =>
      archive(
        pickleOf(
          bytes(
            'ctorch._utils\n_rebuild_device_tensor_from_cpu_tensor\n(',
            tensor(),
            `ctorch\n${dtype}\n`,
            text('xla:0'),
            0x89,
            'tR',
          ),
        ),
      );
    expect(values(interop.readTorchCheckpoint(moved('float32')).stateDict)).toEqual({ a: [0, 0] });
    expect(() => interop.readTorchCheckpoint(moved('bfloat16'))).toThrow(/saved in its dtype/);
  });
});
