/** A GPU that goes away: kernels throw, where WebGPU and WebGL themselves would read zeros. */
import type { KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import * as webgl from '../../../lib/kernels/webgl/backend';
import * as webgpu from '../../../lib/kernels/webgpu/backend';

const result: TensorInfo = { dataId: {}, shape: [], dtype: 'float32' };
const runOn = (config: KernelConfig, backend: unknown) =>
  (config.kernelFunc as KernelFunc)({ inputs: {}, backend: backend as never, attrs: {} });

test('webgpu says that and why the device was lost', async () => {
  let lose: (info: { reason: string; message: string }) => void = () => {};
  const backend = { device: { lost: new Promise((resolve) => (lose = resolve)) } };
  const kernel = webgpu.kernel('Any', () => result);
  expect(runOn(kernel, backend)).toBe(result);
  lose({ reason: 'unknown', message: 'the driver was reset' });
  await Promise.resolve();
  await Promise.resolve();
  expect(() => runOn(kernel, backend)).toThrow(
    'The webgpu device was lost (the driver was reset), and its tensors with it',
  );
  // Another device is none the worse.
  expect(runOn(kernel, { device: { lost: new Promise(() => {}) } })).toBe(result);
});

test('webgl says that the context was lost', () => {
  let lost = false;
  const backend = { gpgpu: { gl: { isContextLost: () => lost } } };
  const kernel = webgl.kernel('Any', () => result);
  expect(runOn(kernel, backend)).toBe(result);
  lost = true;
  expect(() => runOn(kernel, backend)).toThrow('The webgl context was lost');
});
