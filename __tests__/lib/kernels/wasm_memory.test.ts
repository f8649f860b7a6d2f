/**
 * The wasm kernels live in someone else's memory: they write nothing but what they allocate, survive
 * a heap that grows under their hands at every allocation, and leak nothing when one fails.
 */
import type { KernelConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { wasmKernels, wasmOverrides } from '../../../lib/kernels/wasm';
import { FencedBackend } from './fenced_backend';
import { type Data, expectEqual, random, randomData, runWasm, size } from './wasm_harness';

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
