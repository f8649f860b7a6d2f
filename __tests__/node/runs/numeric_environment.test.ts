/** What a checkpoint says of the machine: threads and oneDNN's switch on tensorflow. */
import * as tf from '@tensorflow/tfjs';
import { numericEnvironment } from '../../../node/runs/numeric_environment';
import '../../support/backends';

const saved = { ...process.env };
afterEach(() => {
  process.env = { ...saved };
});

test('tensorflow: threads and switches, as the environment sets them', () => {
  Object.assign(process.env, { TF_NUM_INTRAOP_THREADS: '3', TF_ENABLE_ONEDNN_OPTS: '0' });
  expect(numericEnvironment('tensorflow')).toMatchObject({
    backend: 'tensorflow',
    threads: '3',
    oneDNN: '0',
  });
  delete process.env.TF_NUM_INTRAOP_THREADS;
  delete process.env.OMP_NUM_THREADS;
  delete process.env.TF_ENABLE_ONEDNN_OPTS;
  const { threads, oneDNN } = numericEnvironment('tensorflow');
  expect(Number(threads)).toBeGreaterThan(0);
  expect(oneDNN).toBe('default');
});

test('cpu and wasm: no more than they depend on', async () => {
  await tf.setBackend('cpu');
  expect(numericEnvironment()).toEqual({ backend: 'cpu' });
  await tf.setBackend('wasm');
  expect(numericEnvironment()).toEqual({ backend: 'wasm', simd: true });
});
