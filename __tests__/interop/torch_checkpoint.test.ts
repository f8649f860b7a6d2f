/** Checkpoints that PyTorch wrote: every tensor to the bit, whatever its dtype, strides and storage. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import '../support/backends';
import { openCheckpointFile } from '../../node/runs/checkpoint_file';
import { expectForwardClose, loadFixture, modelInputToOurs, toTensor } from '../support/fixtures';
import { archive, besideWeights, bytes, call, pickleOf, tensor, text } from '../support/pickles';

const { interop } = spiking;
type StateDict = ReturnType<typeof interop.readSafetensors>;

const folder = join(__dirname, '../fixtures/checkpoints');
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const bits = ({ data }: { data: ArrayBufferView }) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

function expectSameBits(actual: StateDict, expected: StateDict): void {
  expect(Object.getPrototypeOf(actual)).toBeNull();
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, wanted] of Object.entries(expected)) {
    const { shape, dtype } = actual[name]!;
    expect([name, shape, dtype]).toEqual([name, wanted.shape, wanted.dtype]);
    expect([name, bits(actual[name]!)]).toEqual([name, bits(wanted)]);
  }
}

/** The same by each way in. */
const ways: Record<
  string,
  (
    name: string,
  ) => Promise<{ stateDict: StateDict; stateDictEma?: StateDict; meta: Record<string, unknown> }>
> = {
  bytes: async (name) => interop.readTorchCheckpoint(read(name)),
  'a Blob': async (name) => load(await interop.openTorchCheckpoint(new Blob([read(name)]))),
  'a file on disk': async (name) => {
    const file = await openCheckpointFile(join(folder, name));
    expect(file.format).toBe('torch');
    const loaded = await load(file);
    await file.close();
    return loaded;
  },
};

async function load(opened: Awaited<ReturnType<typeof interop.openTorchCheckpoint>>) {
  return {
    stateDict: await interop.readStateDict(opened.stateDict),
    ...(opened.stateDictEma && { stateDictEma: await interop.readStateDict(opened.stateDictEma) }),
    meta: opened.meta,
  };
}

const expected = loadFixture('checkpoints/timm_checkpoint.expected');
function expectedDict(prefix: string): StateDict {
  return Object.fromEntries(
    expected.names(prefix).map((name) => [name, expected.tensors[prefix + name]!]),
  );
}

describe.each(Object.entries(ways))('from %s', (_, open) => {
  test.each(['timm_checkpoint.pth.tar', 'timm_checkpoint_legacy.pth.tar'])(
    '%s: weights, averaged weights, and all else as plain values',
    async (name) => {
      const { stateDict, stateDictEma, meta } = await open(name);
      expectSameBits(stateDict, expectedDict('state_dict.'));
      expectSameBits(stateDictEma!, expectedDict('state_dict_ema.'));
      expect(meta).toMatchObject({ epoch: 3, arch: 'vitsnn', metric: 71.25 });
      expect(meta.args).toMatchObject({
        num_heads: 2,
        time_step: 2,
        mean: [0.4914, 0.4822, 0.4465],
      });
      const { state } = meta.optimizer as { state: Map<number, { exp_avg: { shape: number[] } }> };
      expect(state.get(0)!.exp_avg.shape).toEqual([2]);
    },
  );

  test.each(['ddp_prefix_checkpoint.pth.tar', 'dvs_style_checkpoint.pth'])('%s', async (name) => {
    const { stateDict, stateDictEma } = await open(name);
    expectSameBits(stateDict, expectedDict('state_dict.'));
    expect(stateDictEma).toBeUndefined();
  });

  test.each(['torch_zip.pth', 'torch_protocol5.pth', 'torch_legacy.pth'])(
    '%s: every dtype, strides, offsets, shared and expanded storages',
    async (name) => {
      const { stateDict } = await open(name);
      expectSameBits(stateDict, interop.readSafetensors(read('torch.expected.safetensors')));
    },
  );

  test('no prefix of DataParallel or torch.compile stays; a bare state dict has no meta', async () => {
    const { stateDict, meta } = await open('torch_bare.pth');
    expect(Object.keys(stateDict)).toEqual([
      ...['0.weight', '0.bias', '1.weight', '1.bias'],
      ...['1.running_mean', '1.running_var', '1.num_batches_tracked'],
    ]);
    expect(meta).toEqual({});
  });

  test('an archive that was written without checksums', async () => {
    const { stateDict } = await open('torch_without_crc.pth');
    expect(stateDict.a).toEqual({ shape: [4], dtype: 'F32', data: Float32Array.of(0, 1, 2, 3) });
  });
});

test('logits of the weights and of the averaged weights are the reference', async () => {
  await tf.setBackend('cpu');
  const { stateDict, stateDictEma, meta } = interop.readTorchCheckpoint(
    read('timm_checkpoint.pth.tar'),
  );
  const { preset, config } = interop.recognizePreset(stateDict, { args: meta.args });
  const model = spiking.models.create(preset, config);
  const x = toTensor(modelInputToOurs(expected.values('x')));
  interop.loadTorchStateDict(model, stateDict);
  expectForwardClose(model.predict(x) as tf.Tensor, expected.values('eval.logits'), 'logits');
  interop.loadTorchStateDict(model, stateDictEma!);
  expectForwardClose(model.predict(x) as tf.Tensor, expected.values('eval.logits_ema'), 'ema');
});

test('what Python left beside the weights', () => {
  const { meta } = interop.readTorchCheckpoint(read('torch_zip.pth'));
  expect(meta).toEqual({
    epoch: 7,
    metric: 71.25,
    best: 0.5,
    count: 2 ** 40,
    milestones: new Map([
      [3, 2],
      [5, 1],
    ]),
    size: [2, 3],
    device: 'cuda:1',
    dtype: 'torch.bfloat16',
    numbers: [0, 255, 256, -1, 2 ** 31, -(2 ** 40), 2n ** 70n, 1.5, Infinity],
    texts: { ü: 'π\n', empty: '' },
    data: Uint8Array.of(0, 255, 128),
    kinds: [null, true, false, new Set([1, 2]), new Map([[3, 'three']])],
    moment: { shape: [2], dtype: 'F32', data: Float32Array.of(1, 1) },
  });
});

test('tensors in order are views of the bytes, and need no memory of their own', () => {
  const file = archive(pickleOf(tensor()));
  expect(interop.readTorchCheckpoint(file).stateDict.a!.data.buffer).toBe(file.buffer);
});

test('numbers with their highest byte first', () => {
  const big = new Uint8Array(8);
  new DataView(big.buffer).setFloat32(0, 1.5, false);
  new DataView(big.buffer).setFloat32(4, -2, false);
  const { stateDict } = interop.readTorchCheckpoint(
    archive(pickleOf(tensor()), { '0': big }, { byteorder: 'big' }),
  );
  expect(stateDict.a!.data).toEqual(Float32Array.of(1.5, -2));
});

test('a storage of a GPU, an unknown member, a name of Object', () => {
  const onGpu = pickleOf(tensor({ location: 'cuda:3' }), text('constructor'));
  const { stateDict } = interop.readTorchCheckpoint(
    archive(onGpu, { '0': new Uint8Array(8) }, { 'some/other': 'thing' }),
  );
  expect(Object.keys(stateDict)).toEqual(['constructor']);
});

test('unknown classes are opaque where that is asked for, and still nothing runs', () => {
  const pickle = besideWeights('args', call('os.system', 'echo ran'));
  const file = archive(pickle);
  expect(() => interop.readTorchCheckpoint(file)).toThrow(/asks for os\.system/);
  const { meta, stateDict } = interop.readTorchCheckpoint(file, { unknownClasses: 'opaque' });
  expect(meta.args).toEqual({ unknownClass: 'os.system' });
  expect(stateDict.a!.shape).toEqual([2]);
});

test('a file past 4 GiB: zip64 offsets, and only what is asked for is read', async () => {
  // An archive whose first storage would have 5 GiB: its bytes are never asked for.
  const hole = 5 * 2 ** 30;
  const parts: { at: number; data: Uint8Array }[] = [];
  const real = archive(pickleOf(tensor({ key: '1' })), {
    '1': new Uint8Array(Float32Array.of(3, 4).buffer),
  });
  const view = new DataView(real.buffer);
  const directory = view.getUint32(real.length - 6, true);
  // Everything but the pickle lies behind the hole; the directory says so in zip64 fields.
  const entries: Uint8Array[] = [];
  for (let at = directory; at < real.length - 22; ) {
    const next = at + 46 + view.getUint16(at + 28, true);
    const entry = bytes(real.subarray(at, next), 1, 0, 8, 0, new Uint8Array(8));
    const header = view.getUint32(at + 42, true);
    const moved = header === 0 ? 0 : header + hole;
    const entryView = new DataView(entry.buffer);
    entryView.setUint16(30, 12, true);
    entryView.setUint32(42, 0xffffffff, true);
    entryView.setBigUint64(entry.length - 8, BigInt(moved), true);
    entries.push(entry);
    at = next;
  }
  const list = bytes(...entries);
  const second = new DataView(real.buffer).getUint32(
    directory + 46 + 'x/data.pkl'.length + 42,
    true,
  );
  const end64 = new Uint8Array(56 + 20 + 22);
  const e = new DataView(end64.buffer);
  e.setUint32(0, 0x06064b50, true);
  e.setBigUint64(32, 2n, true);
  e.setBigUint64(40, BigInt(list.length), true);
  e.setBigUint64(48, BigInt(directory + hole), true);
  e.setUint32(56, 0x07064b50, true);
  e.setBigUint64(64, BigInt(directory + hole + list.length), true);
  e.setUint32(76, 0x06054b50, true);
  e.setUint16(86, 2, true);
  e.setUint32(88, list.length, true);
  e.setUint32(92, 0xffffffff, true);
  parts.push({ at: 0, data: real.subarray(0, second) });
  parts.push({ at: second + hole, data: bytes(real.subarray(second, directory), list, end64) });
  const size = directory + hole + list.length + end64.length;
  let most = 0;
  const opened = await interop.openTorchCheckpoint({
    size,
    read: async (begin: number, end: number) => {
      most = Math.max(most, end - begin);
      const result = new Uint8Array(end - begin);
      for (const { at, data } of parts) {
        const [from, to] = [Math.max(begin, at), Math.min(end, at + data.length)];
        if (from < to) result.set(data.subarray(from - at, to - at), from - begin);
      }
      return result;
    },
  });
  expect((await opened.stateDict.a!.read()).data).toEqual(Float32Array.of(3, 4));
  expect(most).toBeLessThan(2 ** 17);
});
