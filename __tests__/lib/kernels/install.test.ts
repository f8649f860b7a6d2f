/** Kernels are looked through before every operation, and replaced as soon as someone has changed them. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { multiStepLIF } from 'tfjs-spikingformer';
import { installKernels } from '../../../lib/kernels';
import { stockKernel } from '../../../lib/kernels/override';

beforeEach(async () => {
  await tf.setBackend('wasm');
  installKernels();
});

const kernelOf = (name: string) => tf.getKernel(name, 'wasm')?.kernelFunc;

describe('installKernels', () => {
  it('registers nothing if nothing has changed', () => {
    const before = tf.getKernelsForBackend('wasm');
    installKernels();
    expect(tf.getKernelsForBackend('wasm')).toEqual(before);
  });

  it('brings back a kernel that is gone', () => {
    const own = kernelOf('MultiStepLIF');
    tf.unregisterKernel('MultiStepLIF', 'wasm');
    multiStepLIF(tf.ones([1, 2, 3])).dispose();
    expect(own).toBeDefined();
    expect(kernelOf('MultiStepLIF')).toBe(own);
  });

  it("replaces one of tfjs's kernels that came back, though the number of kernels is the same", () => {
    const own = kernelOf('Conv2D');
    const stock = stockKernel('Conv2D', 'wasm')!;
    tf.unregisterKernel('Conv2D', 'wasm');
    tf.registerKernel({ kernelName: 'Conv2D', backendName: 'wasm', kernelFunc: stock });
    installKernels();
    expect(own).not.toBe(stock);
    expect(kernelOf('Conv2D')).toBe(own);
  });

  it('leaves a kernel that someone has put in the place of its own', () => {
    const own = tf.getKernel('MultiStepLIF', 'wasm');
    const kernelFunc = jest.fn(own.kernelFunc);
    tf.unregisterKernel('MultiStepLIF', 'wasm');
    tf.registerKernel({ ...own, kernelFunc });
    multiStepLIF(tf.ones([1, 2, 3])).dispose();
    expect(kernelFunc).toHaveBeenCalledTimes(1);
    tf.unregisterKernel('MultiStepLIF', 'wasm');
    tf.registerKernel(own);
  });

  it('knows each backend, by whatever name it was set before', async () => {
    await tf.setBackend('cpu');
    tf.unregisterKernel('SpikeConv2D', 'wasm');
    installKernels();
    expect(kernelOf('SpikeConv2D')).toBeUndefined();
    await tf.setBackend('wasm');
    installKernels();
    expect(kernelOf('SpikeConv2D')).toBeDefined();
  });
});
