/**
 * The wasm kernels live in someone else's memory: they write nothing but what they allocate, survive
 * a heap that grows under their hands at every allocation, and leak nothing when one fails.
 */
import type { DataType, KernelConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { SpikeRecord } from '../../../lib/kernels/spike_storage';
import { wasmKernels, wasmOverrides } from '../../../lib/kernels/wasm';
import { storedAsBits } from '../../../lib/kernels/wasm/spike_storage';
import type { BackendWasm, WasmRecord } from '../../../lib/tfjs_internals';
import { type Data, expectEqual, random, randomData, runWasm, size } from './wasm_harness';

const PAGE = 65536;
const GUARD = 256;
const FENCE = 0xa5;

type Place = WasmRecord & { shape: number[] };

class Places extends Map<object, Place> {
  override get(dataId: object): Place {
    return super.get(dataId)!;
  }
}

/** A heap that never reuses memory, fences every allocation, and moves its views at each. */
class FencedBackend implements BackendWasm {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  readonly wasm = { asm: { memory: this.memory }, HEAPF32: new Float32Array(this.memory.buffer) };
  readonly dataIdMap = new Places();
  private end = PAGE;
  private readonly frozen: { offset: number; bytes: Uint8Array }[] = [];

  constructor(private readonly allocations = Infinity) {}

  makeOutput(shape: number[], dtype: DataType): TensorInfo {
    if (this.dataIdMap.size >= this.allocations) throw new Error('out of memory');
    const bytes = size(shape) * 4;
    const memoryOffset = this.end + GUARD;
    this.end = Math.ceil((memoryOffset + bytes + GUARD) / 16) * 16;
    const pages = Math.ceil(this.end / PAGE) - this.memory.buffer.byteLength / PAGE;
    this.memory.grow(Math.max(1, pages));
    this.wasm.HEAPF32 = new Float32Array(this.memory.buffer);
    const all = new Uint8Array(this.memory.buffer);
    all.fill(FENCE, memoryOffset - GUARD, memoryOffset);
    all.fill(FENCE, memoryOffset + bytes, memoryOffset + bytes + GUARD);
    const dataId = {};
    this.dataIdMap.set(dataId, { id: 0, refCount: 1, memoryOffset, shape });
    return { dataId, shape, dtype };
  }

  /** An input: what lies there must not change. */
  write([values, shape]: Data): TensorInfo {
    const info = this.makeOutput(shape, 'float32');
    const { memoryOffset } = this.dataIdMap.get(info.dataId);
    this.wasm.HEAPF32.set(values, memoryOffset / 4);
    const bytes = new Uint8Array(this.memory.buffer).slice(
      memoryOffset,
      memoryOffset + values.length * 4,
    );
    this.frozen.push({ offset: memoryOffset, bytes });
    return info;
  }

  /** An input of spikes, stored as bits. */
  writeBits([values, shape]: Data): TensorInfo {
    const words = this.makeOutput([Math.ceil(size(shape) / 32)], 'int32');
    const first = this.dataIdMap.get(words.dataId).memoryOffset / 4;
    const all = new Int32Array(this.memory.buffer);
    for (let i = 0; i < size(shape); i++) all[first + (i >> 5)]! |= values[i]! << (i & 31);
    return storedAsBits(this, words, shape);
  }

  readSync(dataId: object): Float32Array {
    const { memoryOffset, shape } = this.dataIdMap.get(dataId);
    return this.wasm.HEAPF32.slice(memoryOffset / 4, memoryOffset / 4 + size(shape));
  }

  disposeData(dataId: object): boolean {
    if (!this.dataIdMap.has(dataId)) return true;
    const place = this.dataIdMap.get(dataId);
    place.refCount--;
    const { memoryOffset, shape } = place;
    if (memoryOffset > 0) this.checkFence(memoryOffset, 4 * size(shape));
    return this.dataIdMap.delete(dataId);
  }

  private checkFence(memoryOffset: number, bytes: number): void {
    const all = new Uint8Array(this.memory.buffer);
    const fence = [
      ...all.subarray(memoryOffset - GUARD, memoryOffset),
      ...all.subarray(memoryOffset + bytes, memoryOffset + bytes + GUARD),
    ];
    expect(fence.every((byte) => byte === FENCE)).toBe(true);
  }

  countTensors(): number {
    const records = [...this.dataIdMap.values()];
    const bits = records.filter((record) => record instanceof SpikeRecord && record.words);
    return records.length - bits.length;
  }

  checkInputs(): void {
    for (const { offset, bytes } of this.frozen) {
      const now = new Uint8Array(this.memory.buffer).subarray(offset, offset + bytes.length);
      expect(Buffer.compare(now, bytes)).toBe(0);
    }
  }
}

interface Call {
  kernel: string;
  inputs: Record<string, Data>;
  attrs: object;
  /** Which inputs are stored as bits. */
  bits?: string[];
}

const neuron = {
  tau: 1.75,
  vThreshold: 1,
  vReset: 0,
  detachReset: false,
  decayInput: true,
  surrogate: 'atan',
  alpha: 2,
};
const mostlyZero = (shape: number[]): Data => [
  random(size(shape), 3).map((v) => (v > 1 ? v : 0)),
  shape,
];

const spikes = (shape: number[]): Data => [
  Float32Array.from(mostlyZero(shape)[0], (v) => (v > 0 ? 1 : 0)),
  shape,
];

/** Kernels that read or write spikes as bits, and one that finds numbers. */
function* callsOfBits(): Generator<Call> {
  const x = spikes([3, 7, 6, 48]);
  const filter = randomData([3, 3, 48, 33], 1);
  const dy = randomData([3, 7, 6, 33], 2);
  const conv = { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 48, 33] };
  const channel = randomData([33], 3);
  const bits = ['x'];
  yield { kernel: 'Conv2D', inputs: { x, filter }, attrs: conv, bits };
  yield { kernel: 'Conv2DBackpropFilter', inputs: { x, dy }, attrs: conv, bits };
  const spikeConv = { x, filter, scale: channel, shift: channel };
  yield { kernel: 'SpikeConv2D', inputs: spikeConv, attrs: {}, bits };
  const product = { a: spikes([71, 80]), b: randomData([80, 50], 1) };
  const attrs = { transposeA: false, transposeB: false };
  yield { kernel: 'BatchMatMul', inputs: product, attrs, bits: ['a'] };
  const transposed = { a: spikes([71, 80]), b: randomData([71, 50], 1) };
  yield {
    kernel: 'BatchMatMul',
    inputs: transposed,
    attrs: { ...attrs, transposeA: true },
    bits: ['a'],
  };
  const shape = [2, 2, 7, 48];
  const [q, k, v] = [spikes(shape), spikes(shape), spikes(shape)];
  const heads = { numHeads: 2, scale: 0.3 };
  const factors = ['q', 'k', 'v'];
  yield { kernel: 'SpikingAttention', inputs: { q, k, v }, attrs: heads, bits: factors };
  yield {
    kernel: 'SpikingAttentionGrad',
    inputs: { dy: randomData(shape, 1), q, k, v },
    attrs: heads,
    bits: factors,
  };
  yield {
    kernel: 'MultiStepLIF',
    inputs: { x: randomData([2, 3, 15, 48], 1, 4) },
    attrs: { ...neuron, lastMembranes: false, forLayers: true },
  };
  yield {
    kernel: 'Slice',
    inputs: { x },
    attrs: { begin: [1, 0, 0, 3], size: [2, 7, 6, 9] },
    bits,
  };
}

function* calls(): Generator<Call> {
  for (const n of [1, 6, 19, 261]) {
    const x = randomData([2, 5, n], 1, 4);
    const v0 = randomData([2, n], 2);
    const w = randomData([1], 3);
    yield { kernel: 'MultiStepLIF', inputs: { x, v0, w }, attrs: neuron };
    yield { kernel: 'MultiStepLIFGrad', inputs: { x, v0, w, dSpikes: x, dV: v0 }, attrs: neuron };
  }
  for (const channels of [1, 6, 17, 32]) {
    const x = randomData([71, channels], 1);
    const one = randomData([channels], 2);
    const positive: Data = [Float32Array.from(one[0], (v) => v * v), [channels]];
    const attrs = { epsilon: 1e-5 };
    yield { kernel: 'BatchNormTraining', inputs: { x, gamma: one, beta: one }, attrs };
    yield {
      kernel: 'BatchNormTrainingGrad',
      inputs: { dy: x, x, gamma: one, mean: one, variance: positive },
      attrs,
    };
  }
  for (const channels of [3, 8]) {
    const inputs = {
      dy: randomData([2, 4, 5, channels], 1),
      x: randomData([2, 7, 9, channels], 2),
    };
    yield { kernel: 'FirstMaxPoolGrad', inputs, attrs: { poolSize: 3, strides: 2, padding: 1 } };
  }
  for (const [from, to, size, pad] of [
    [3, 5, 3, 'same'],
    [16, 40, 3, 'valid'],
    [17, 18, 3, 'same'],
    [8, 33, 1, 'same'],
    [9, 64, 2, 1],
  ] as const) {
    const shape: [number, number, number, number] = [4, 7, 6, from];
    const filterShape: [number, number, number, number] = [size, size, from, to];
    const { outShape } = tf.backend_util.computeConv2DInfo(shape, filterShape, 1, 1, pad);
    const attrs = { strides: 1, pad, dataFormat: 'NHWC', filterShape, inputShape: shape };
    const dy = randomData(outShape, 1);
    const filter = randomData(filterShape, 2);
    yield { kernel: 'Conv2D', inputs: { x: randomData(shape, 3), filter }, attrs };
    yield { kernel: 'Conv2D', inputs: { x: mostlyZero(shape), filter }, attrs };
    yield { kernel: 'Conv2DBackpropInput', inputs: { dy, filter }, attrs };
    yield { kernel: 'Conv2DBackpropFilter', inputs: { x: randomData(shape, 3), dy }, attrs };
    yield { kernel: 'Conv2DBackpropFilter', inputs: { x: mostlyZero(shape), dy }, attrs };
  }
  for (const [shape, side, filters] of [
    [[3, 7, 6, 17], 3, 33],
    [[1, 2, 2, 300], 3, 5],
    [[9, 7, 11, 70], 1, 64],
  ] as const) {
    const channel = randomData([filters], 2);
    const filter = randomData([side, side, shape[3], filters], 1);
    for (const x of [mostlyZero([...shape]), randomData([...shape], 3)]) {
      yield {
        kernel: 'SpikeConv2D',
        inputs: { x, filter, scale: channel, shift: channel },
        attrs: {},
      };
    }
  }
  const strided = {
    strides: [2, 3],
    pad: 'same',
    dataFormat: 'NHWC',
    filterShape: [3, 3, 5, 7],
    inputShape: [2, 9, 8, 5],
  };
  const dy = randomData([2, 5, 3, 7], 1);
  yield {
    kernel: 'Conv2DBackpropFilter',
    inputs: { x: randomData([2, 9, 8, 5], 2), dy },
    attrs: strided,
  };
  yield {
    kernel: 'Conv2DBackpropInput',
    inputs: { dy, filter: randomData([3, 3, 5, 7], 2) },
    attrs: strided,
  };
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (const [m, n, k] of [
        [5, 3, 7],
        [66, 270, 259],
      ] as const) {
        const a = randomData(transposeA ? [k, m] : [m, k], 1);
        const b = randomData(transposeB ? [n, k] : [k, n], 2);
        yield { kernel: 'BatchMatMul', inputs: { a, b }, attrs: { transposeA, transposeB } };
      }
    }
  }
  yield {
    kernel: 'BatchMatMul',
    inputs: { a: mostlyZero([70, 37]), b: randomData([37, 50], 1) },
    attrs: { transposeA: false, transposeB: false },
  };
  yield {
    kernel: 'BatchMatMul',
    inputs: { a: mostlyZero([700, 37]), b: randomData([700, 50], 1) },
    attrs: { transposeA: true, transposeB: false },
  };
  for (const axis of [[0], [1], [2], [0, 1], [0, 1, 2]]) {
    yield {
      kernel: 'Mean',
      inputs: { x: randomData([67, 5, 19], 1) },
      attrs: { axis, keepDims: false },
    };
  }
  yield { kernel: 'Tile', inputs: { x: randomData([3, 1, 5], 1) }, attrs: { reps: [2, 7, 3] } };
  for (const perm of [
    [0, 2, 1],
    [1, 0, 2],
    [2, 1, 0],
  ]) {
    yield { kernel: 'Transpose', inputs: { x: randomData([5, 70, 6], 1) }, attrs: { perm } };
  }
  for (const [tokens, channels] of [
    [7, 6],
    [3, 40],
    [18, 66],
  ] as const) {
    const shape = [2, 2, tokens, channels];
    const [q, k, v] = [spikes(shape), spikes(shape), spikes(shape)];
    const attrs = { numHeads: 2, scale: 0.3 };
    yield { kernel: 'SpikingAttention', inputs: { q, k, v }, attrs };
    const dy = randomData(shape, 1);
    yield { kernel: 'SpikingAttentionGrad', inputs: { dy, q, k, v }, attrs };
  }
  const x = randomData([3, 7, 20], 1);
  yield { kernel: 'Slice', inputs: { x }, attrs: { begin: [1, 2, 3], size: [2, 4, 17] } };
  yield { kernel: 'SplitV', inputs: { x }, attrs: { numOrSizeSplits: [2, 0, 5], axis: 1 } };
  for (const axis of [1, 2]) {
    const indices: Data = [[6, 0, 3, 3], [4]];
    yield { kernel: 'GatherV2', inputs: { x, indices }, attrs: { axis, batchDims: 0 } };
  }
  yield* callsOfBits();
}

const kernels = new Map(
  [...wasmKernels(), ...wasmOverrides].map((k) => [k.kernelName, k.kernelFunc]),
);

function run(backend: FencedBackend, { kernel, inputs, attrs, bits }: Call): TensorInfo[] {
  const infos = Object.fromEntries(
    Object.entries(inputs).map(([name, data]) => [
      name,
      bits?.includes(name) ? backend.writeBits(data) : backend.write(data),
    ]),
  );
  const kernelFunc: KernelConfig['kernelFunc'] = kernels.get(kernel)!;
  return [kernelFunc({ inputs: infos, backend, attrs: attrs as NamedAttrMap })].flat();
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('wasm kernels in the memory of another', () => {
  it.each(
    [...calls()].map(
      (call) =>
        [
          `${call.kernel} ${Object.values(call.inputs)
            .map((d) => `[${d[1]}]`)
            .join(' ')}`,
          call,
        ] as const,
    ),
  )('%s keeps within its bounds while the heap grows', (_, call) => {
    const backend = new FencedBackend();
    const outputs = run(backend, call);
    backend.checkInputs();
    expect(backend.countTensors()).toBe(Object.keys(call.inputs).length + outputs.length);
    const expected = runWasm(call.kernel, call.inputs, call.attrs);
    outputs.forEach((output, i) => {
      expectEqual(backend.readSync(output.dataId), expected[i]!);
    });
    for (const dataId of [...backend.dataIdMap.keys()]) backend.disposeData(dataId);
  });

  it.each([...calls()].map((call) => [call.kernel, call] as const))(
    '%s frees what it had when memory runs out',
    (_, call) => {
      const given = Object.keys(call.inputs).length;
      for (let allocations = given + (call.bits ?? []).length; ; allocations++) {
        const backend = new FencedBackend(allocations);
        try {
          run(backend, call);
          return;
        } catch (error) {
          expect((error as Error).message).toBe('out of memory');
          expect(backend.countTensors()).toBe(given);
        }
      }
    },
  );
});
