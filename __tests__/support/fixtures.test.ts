/** The golden numbers' own tools: layouts against indexing by hand, comparisons that can fail. */
import * as tf from '@tensorflow/tfjs';
import './backends'; // silences the cpu backend's banner
import {
  expectBuffersClose,
  expectForwardClose,
  expectGradClose,
  expectGradVanishes,
  expectSpikesEqual,
  loadFixture,
  modelInputToOurs,
  timeFirstToOurs,
  toTensor,
  type Values,
  weightToOurs,
} from './fixtures';

const range = (...shape: number[]): Values => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});
const values = (...numbers: number[]): Values => ({
  shape: [numbers.length],
  data: Float32Array.from(numbers),
});

/** The same by stock tfjs, channels-first read index by index. */
function check(ours: Values, theirs: Values, order: number[]): void {
  const expected = toTensor(theirs).transpose(order);
  expect(ours.shape).toEqual(expected.shape);
  expect([...ours.data]).toEqual([...expected.dataSync()]);
}

beforeAll(() => tf.setBackend('cpu'));

test('PyTorch layouts become ours', () => {
  check(timeFirstToOurs(range(2, 3, 4, 5, 6)), range(2, 3, 4, 5, 6), [1, 0, 3, 4, 2]);
  check(timeFirstToOurs(range(2, 3, 4, 5)), range(2, 3, 4, 5), [1, 0, 3, 2]);
  check(timeFirstToOurs(range(2, 3, 4)), range(2, 3, 4), [1, 0, 2]);
  check(modelInputToOurs(range(2, 3, 4, 5)), range(2, 3, 4, 5), [0, 2, 3, 1]);
  check(modelInputToOurs(range(2, 3, 4, 5, 6)), range(2, 3, 4, 5, 6), [0, 1, 3, 4, 2]);
  check(weightToOurs(range(2, 3, 4, 5)), range(2, 3, 4, 5), [2, 3, 1, 0]);
  check(weightToOurs(range(2, 3, 1)), range(2, 3), [1, 0]);
  check(weightToOurs(range(2, 3)), range(2, 3), [1, 0]);
  expect(weightToOurs(range(5))).toEqual(range(5));
  expect(weightToOurs({ shape: [], data: Float32Array.of(3) }).shape).toEqual([]);
  expect(() => weightToOurs(range(2, 3, 4))).toThrow(/not that of a weight/);
});

test('a fixture is found, read and converted', () => {
  const fixture = loadFixture<{ heads: number }>('ops/ssa_cifar');
  expect(fixture.meta.heads).toBe(4);
  expect(fixture.meta.tolerance.grad.rel_to_max).toBe(1e-4);
  expect(fixture.activation('x').shape).toEqual([2, 4, 4, 4, 32]);
  expect(fixture.activation('train.lif.q_lif').shape).toEqual([2, 4, 16, 32]);
  expect(fixture.weight('state.q_conv.weight').shape).toEqual([32, 32]);
  expect(fixture.names('state.q_bn.')).toContain('running_var');
  const { rate } = (
    fixture.meta as never as { modes: Record<string, { lif: Record<string, { rate: number }> }> }
  ).modes.train.lif.q_lif;
  const spikes = fixture.values('train.lif.q_lif').data;
  expect(spikes.reduce((a, b) => a + b, 0) / spikes.length).toBeCloseTo(rate, 5);
  expect(() => loadFixture('ops/none')).toThrow(/no fixture ops\/none/);
  expect(() => fixture.values('none')).toThrow(/has no tensor none/);
});

test('spikes', () => {
  const a = values(0, 1, 1, 0);
  expectSpikesEqual(a, values(0, 1, 1, 0));
  expectSpikesEqual(tf.tensor2d([0, 1, 1, 0], [2, 2]), a);
  expect(() => expectSpikesEqual(a, values(0, 1, 0, 1), 'q_lif')).toThrow(
    'q_lif: 2 of 4 spikes differ, first at [2] of [4]: got 1, expected 0',
  );
  expect(() => expectSpikesEqual(values(0.5), values(1))).toThrow(
    /holds 0.5 at \[0\]: not a spike/,
  );
  expect(() => expectSpikesEqual(a, values(1))).toThrow(/must have shape \[1\], but has \[4\]/);
});

test('axes may be merged, not mixed', () => {
  expectForwardClose(range(2, 3, 4, 5), range(2, 12, 5));
  expectForwardClose(range(6, 4), range(2, 3, 1, 4));
  expect(() => expectForwardClose(range(4, 6), range(6, 4))).toThrow(/must have shape \[6,4\]/);
});

test('forward and buffers: absolute and relative, number by number', () => {
  expectForwardClose(values(1000.0099, 1e-5), values(1000, 0));
  expect(() => expectForwardClose(values(1000.03), values(1000), 'logits')).toThrow(
    /^logits: 1 of 1 numbers are off, worst at \[0\] of \[1\]: got 1000.0/,
  );
  expect(() => expectForwardClose(values(2e-5), values(0))).toThrow(/2.00 times what is allowed/);
  expectBuffersClose(values(9e-7), values(0));
  expect(() => expectBuffersClose(values(5e-6), values(0))).toThrow(/buffer/);
});

test('gradients: beside the greatest of the tensor', () => {
  expectGradClose(values(0.009, 100), values(0, 100));
  expect(() => expectGradClose(values(0.011, 100), values(0, 100))).toThrow(/worst at \[0\]/);
  expect(() => expectGradClose(values(0, 0), values(2e-6, 0))).toThrow(/max\|expected\| 0.000002/);
  expectGradClose(values(1e-6), values(0), 'x', { rtol: 1e-5, atol: 1e-5 });
  expectGradVanishes(values(1e-5, -1e-5), values(100));
  expect(() => expectGradVanishes(values(0, 2e-3), values(100))).toThrow(/must vanish.*at \[1\]/);
});

test('NaN and infinities fail', () => {
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    expect(() => expectForwardClose(values(1, bad), values(1, 1))).toThrow(/worst at \[1\]/);
    expect(() => expectGradClose(values(bad), values(1))).toThrow(/off/);
    expect(() => expectForwardClose(values(1), values(bad))).toThrow(/off/);
    expect(() => expectGradClose(values(1, 1), values(1, bad))).toThrow(/off/);
    expect(() => expectGradVanishes(values(bad), values(1))).toThrow(/vanish/);
    expect(() => expectSpikesEqual(values(bad), values(1))).toThrow(/not a spike/);
  }
  expectForwardClose(values(Infinity), values(Infinity));
});
