/** Reductions and copies on wasm, against the cpu backend; and how overrides are installed. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installOverride } from '../../../lib/kernels/override';
import { wasm, wasmKernels, wasmOverrides } from '../../../lib/kernels/wasm';
import { instantiate } from '../../../lib/kernels/wasm/module';
import { expectClose, expectEqual, randomData, runCpu, runWasm } from './wasm_harness';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const installWasmOverrides = () => wasm.overrides().forEach(installOverride);

const small = (max: number) => fc.integer({ min: 1, max });

describe('wasm sums, means, tiles and transposes', () => {
  const shapes = fc.array(small(6), { minLength: 1, maxLength: 5 });

  it('reduces over any axes', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.integer({ min: 0, max: 31 }),
        fc.boolean(),
        fc.constantFrom('Sum', 'Mean'),
        (shape, mask, keepDims, name) => {
          const axis = shape.map((_, i) => i).filter((i) => mask & (1 << i));
          const x = randomData(shape, 1);
          const total = tf.tensor(x[0] as Float32Array, shape);
          const expected = name === 'Sum' ? total.sum(axis, keepDims) : total.mean(axis, keepDims);
          // Rounding goes with what is added up, not with what is left of it.
          const magnitude = (x[0] as Float32Array).reduce((sum, n) => sum + Math.abs(n), 0);
          const scale = name === 'Sum' ? magnitude : (magnitude * expected.size) / total.size;
          const [actual] = runWasm(name, { x }, { axis, keepDims });
          expectClose(actual!, expected.dataSync(), 1e-6, scale);
          tf.dispose([total, expected]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('sums many numbers precisely', () => {
    const [values] = randomData([100_000 * 7], 1);
    const exact = new Float64Array(7);
    for (let i = 0; i < values.length; i++) exact[i % 7]! += values[i]!;
    expectClose(
      runWasm('Sum', { x: [values, [100_000, 7]] }, { axis: 0, keepDims: false })[0]!,
      exact,
      1e-6,
    );
    const all = exact.reduce((a, b) => a + b, 0);
    expectClose(
      runWasm('Mean', { x: [values, [values.length]] }, { axis: 0, keepDims: false })[0]!,
      [all / values.length],
      1e-6,
    );
  });

  it('tiles any shape', () => {
    fc.assert(
      fc.property(shapes, fc.array(small(3), { minLength: 5, maxLength: 5 }), (shape, counts) => {
        const reps = counts.slice(0, shape.length);
        const x = randomData(shape, 1);
        expectEqual(runWasm('Tile', { x }, { reps })[0]!, runCpu('Tile', { x }, { reps })[0]!);
      }),
      { numRuns: 100 },
    );
  });

  it('transposes any shape', () => {
    const sides = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 9), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sides, fc.integer(), (shape, seed) => {
        const perm = shape
          .map((_, i) => i)
          .sort(
            (a, b) => ((Math.imul(a + 1, seed) >>> 3) % 97) - ((Math.imul(b + 1, seed) >>> 3) % 97),
          );
        const x = randomData(shape, 1);
        expectEqual(
          runWasm('Transpose', { x }, { perm })[0]!,
          runCpu('Transpose', { x }, { perm })[0]!,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('leaves other types to tfjs', () => {
    installWasmOverrides();
    expect(Array.from(tf.tensor1d([1, 2, 3], 'int32').sum().dataSync())).toEqual([6]);
    expect(
      Array.from(
        tf
          .tensor2d([[true, false]], undefined, 'bool')
          .transpose()
          .tile([1, 2])
          .dataSync(),
      ),
    ).toEqual([1, 1, 0, 0]);
    expect(
      Array.from(
        tf
          .tensor2d(
            [
              [1, 2],
              [3, 4],
            ],
            undefined,
            'int32',
          )
          .transpose()
          .tile([1, 2])
          .dataSync(),
      ),
    ).toEqual([1, 3, 1, 3, 2, 4, 2, 4]);
    tf.disposeVariables();
  });
});

describe('installWasmOverrides', () => {
  const registered = () =>
    wasmOverrides.map(({ kernelName }) => tf.getKernel(kernelName, 'wasm')?.kernelFunc);
  const ours = wasmOverrides.map(({ kernelFunc }) => kernelFunc);

  it('replaces the kernels once, without a warning', () => {
    const warn = jest.spyOn(console, 'warn');
    installWasmOverrides();
    installWasmOverrides();
    expect(registered()).toEqual(ours);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('comes back after tfjs has registered its own again', () => {
    const stock: tf.KernelConfig = {
      kernelName: 'Sum',
      backendName: 'wasm',
      setupFunc: jest.fn(),
      kernelFunc: jest.fn(),
    };
    tf.unregisterKernel('Sum', 'wasm');
    tf.registerKernel(stock);
    installWasmOverrides();
    expect(registered()).toEqual(ours);
    expect(stock.setupFunc).toHaveBeenCalledWith(tf.backend());
    tf.unregisterKernel('Sum', 'wasm');
  });

  it('leaves the kernels of another copy of the library alone', () => {
    installWasmOverrides();
    const kernelFunc = Object.assign(() => [], { [Symbol.for('tfjs-spikingformer.kernel')]: true });
    tf.unregisterKernel('Tile', 'wasm');
    tf.registerKernel({ kernelName: 'Tile', backendName: 'wasm', kernelFunc });
    installWasmOverrides();
    expect(tf.getKernel('Tile', 'wasm').kernelFunc).toBe(kernelFunc);
    tf.unregisterKernel('Tile', 'wasm');
    installWasmOverrides();
  });

  it('trains a convolution', () => {
    const x = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 1);
    const filter = tf.randomNormal([3, 3, 3, 4], 0, 1, 'float32', 2) as tf.Tensor4D;
    const gradient = tf.grad((w) =>
      tf
        .conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same')
        .square()
        .sum(),
    )(filter);
    expect(gradient.shape).toEqual([3, 3, 3, 4]);
    tf.dispose([x, filter, gradient]);
  });
});

describe('the wasm module', () => {
  it('runs on shared memory too, as the threaded backend has it', () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared: true });
    const values = new Float32Array(memory.buffer);
    values.set([1, 2, 3, 4, 5, 6]);
    instantiate(memory).sumMiddle(0, 1024, 1, 2, 3, 1);
    expect(Array.from(values.subarray(256, 259))).toEqual([5, 7, 9]);
  });

  it('has none of our kernels where there is no SIMD, which is asked once', async () => {
    const validate = jest.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@tensorflow/tfjs', () => tf);
      const { wasm } = await import('../../../lib/kernels/wasm');
      expect(wasm.kernels()).toEqual([]);
      expect(wasm.overrides()).toEqual([]);
      expect(validate).toHaveBeenCalledTimes(1);
    });
    jest.dontMock('@tensorflow/tfjs');
    validate.mockRestore();
    expect(wasmKernels()).not.toEqual([]);
  });
});

describe('wasm clones', () => {
  it('share their data, and outlive each other', () => {
    const backend = tf.backend();
    const x = tf.tensor1d([1, 2, 3]);
    const before = backend.numDataIds();
    const y = x.clone();
    expect(backend.numDataIds()).toBe(before);
    x.dispose();
    expect([...y.dataSync()]).toEqual([1, 2, 3]);
    y.dispose();
    expect(backend.numDataIds()).toBe(before - 1);
  });

  it('keep the value that a variable had', () => {
    const v = tf.variable(tf.tensor1d([1, 2]));
    const kept = v.clone();
    v.assign(tf.tensor1d([3, 4]));
    expect([...kept.dataSync()]).toEqual([1, 2]);
    tf.dispose([v, kept]);
  });
});
