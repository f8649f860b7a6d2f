/** Every node of NIR on numbers small enough to check by hand, what each means. */
import * as tf from '@tensorflow/tfjs';
import type { interop } from 'tfjs-spikingformer';
import type { Tree } from '../../../interop/nir/_hdf5';
import '../../support/backends';
import { between, end, numbers, readNir, whole, write } from '../../support/nir';

beforeAll(() => tf.setBackend('cpu'));

/** Output of one sample, by time step and channel. */
async function run(bytes: Uint8Array, x: number[][], options?: interop.NirOptions) {
  const model = await readNir(bytes, options);
  const sizes = model.inputs[0]!.shape.slice(2) as number[];
  const y = tf.tidy(() => model.predict(tf.tensor(x.flat(), [1, x.length, ...sizes])) as tf.Tensor);
  const flat = Array.from(y.dataSync(), (value) => Number(value.toFixed(5)));
  const width = flat.length / x.length;
  y.dispose();
  model.dispose();
  return x.map((_, t) => flat.slice(t * width, (t + 1) * width));
}

const two = (value: number) => numbers([value, value]);
const li = { tau: two(2e-4), r: two(2), v_leak: two(0) };
const cuba = { tau_mem: two(2e-4), tau_syn: two(2e-4), r: two(1), v_leak: two(0), w_in: two(2) };

describe('nodes', () => {
  test.each<[string, Tree, number[], number[][], number[][]]>([
    ['Scale', { type: 'Scale', scale: numbers([2, 3]) }, [2], [[1, 1]], [[2, 3]]],
    // At the threshold NIR does not fire.
    ['Threshold', { type: 'Threshold', threshold: numbers([1, 1]) }, [2], [[1, 1.01]], [[0, 1]]],
    [
      'Delay',
      { type: 'Delay', delay: numbers([0, 2e-4]) },
      [2],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [
        [1, 0],
        [3, 0],
        [5, 2],
      ],
    ],
    [
      'I',
      { type: 'I', r: numbers([1, 2]) },
      [2],
      [
        [1, 1],
        [1, 1],
      ],
      [
        [1, 2],
        [2, 4],
      ],
    ],
    [
      'IF',
      { type: 'IF', r: two(1), v_threshold: two(1) },
      [2],
      [
        [1, 0.6],
        [0.5, 0.6],
      ],
      [
        [0, 0],
        [1, 1],
      ],
    ],
    [
      'LI',
      { type: 'LI', ...li },
      [2],
      [
        [1, 0],
        [1, 0],
      ],
      [
        [1, 0],
        [1.5, 0],
      ],
    ],
    [
      'LIF',
      { type: 'LIF', ...li, v_threshold: two(1), v_reset: two(-1) },
      [2],
      [
        [1, 2],
        [1, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [1, 0],
        [0, 0],
      ],
    ],
    [
      'CubaLI',
      { type: 'CubaLI', ...cuba },
      [2],
      [
        [1, 0],
        [0, 0],
      ],
      [
        [0.5, 0],
        [0.5, 0],
      ],
    ],
    [
      'CubaLIF',
      { type: 'CubaLIF', ...cuba, v_threshold: two(0.4) },
      [2],
      [
        [1, 0],
        [0, 0],
      ],
      [
        [1, 0],
        [0, 0],
      ],
    ],
    [
      'Linear',
      { type: 'Linear', weight: numbers([1, 2, 3, 4], [2, 2]) },
      [2],
      [[1, 10]],
      [[21, 43]],
    ],
    [
      'Affine',
      { type: 'Affine', weight: numbers([1, 2], [1, 2]), bias: numbers([5]) },
      [2],
      [[1, 10]],
      [[26]],
    ],
    [
      'SumPool2d',
      { type: 'SumPool2d', kernel_size: whole(2, 2), stride: whole(2, 2), padding: whole(0, 0) },
      [1, 2, 2],
      [[1, 2, 3, 4]],
      [[10]],
    ],
    [
      'AvgPool2d',
      { type: 'AvgPool2d', kernel_size: whole(2, 2), stride: whole(2, 2), padding: whole(1, 1) },
      [1, 2, 2],
      [[4, 8, 12, 16]],
      [[1, 2, 3, 4]],
    ],
    // [channels, height, width] = [2, 1, 2], which come in as [1, 2, 2] with channels last.
    [
      'Flatten',
      { type: 'Flatten', start_dim: whole(0), end_dim: whole(-1) },
      [2, 1, 2],
      [[1, 2, 3, 4]],
      [[1, 3, 2, 4]],
    ],
    [
      'Conv1d',
      {
        type: 'Conv1d',
        weight: numbers([1, 10, 100], [1, 1, 3]),
        bias: numbers([0.5]),
        stride: whole(1),
        padding: whole(1),
        dilation: whole(1),
        groups: whole(1),
      },
      [1, 3],
      [[1, 2, 3]],
      [[210.5, 321.5, 32.5]],
    ],
    [
      'Conv2d of two groups',
      {
        type: 'Conv2d',
        weight: numbers([2, 3], [2, 1, 1, 1]),
        bias: numbers([0, 1]),
        stride: whole(1, 1),
        padding: 'same',
        dilation: whole(1, 1),
        groups: whole(2),
      },
      [2, 1, 2],
      [[1, 2, 3, 4]],
      [[2, 7, 6, 13]],
    ],
  ])('%s', async (_, node, shape, x, expected) => {
    expect(await run(await between(node, shape), x)).toEqual(expected);
  });

  test('a graph in a graph, and a sum where edges meet', async () => {
    const inner = {
      type: 'NIRGraph',
      nodes: {
        input: end('Input', 1),
        x2: { type: 'Scale', scale: numbers([2]) },
        output: end('Output', 1),
      },
      edges: ['input', 'x2', 'x2', 'output'],
    };
    const nodes = {
      a: end('Input', 1),
      inner,
      b: end('Output', 1),
      x3: { type: 'Scale', scale: numbers([3]) },
    };
    const edges = ['a', 'inner', 'a', 'x3', 'inner', 'b', 'x3', 'b'];
    expect(await run(await write({ type: 'NIRGraph', nodes, edges }), [[1], [2]])).toEqual([
      [5],
      [10],
    ]);
  });

  test('a loop: its bias acts at the first step, its weights on the spikes of the step before', async () => {
    const nodes = {
      in: end('Input', 1),
      neuron: { type: 'IF', r: numbers([1]), v_threshold: numbers([1]) },
      back: { type: 'Affine', weight: numbers([-5], [1, 1]), bias: numbers([0.5]) },
      out: end('Output', 1),
    };
    const edges = ['in', 'neuron', 'neuron', 'back', 'back', 'neuron', 'neuron', 'out'];
    const bytes = await write({ type: 'NIRGraph', nodes, edges });
    expect(await run(bytes, [[0.6], [0.6], [0.6]])).toEqual([[1], [0], [0]]);
  });
});
