/** Every node of NIR on numbers small enough to check by hand, and files that are damaged, hostile or say what nothing here builds. */
import * as tf from '@tensorflow/tfjs';
import { interop } from 'tfjs-spikingformer';
import { type Numbers, type Tree, writeHdf5 } from '../../../interop/nir/_hdf5';
import '../../support/backends';
import { loadH5wasm, nirFile, readNir } from '../../support/nir';

beforeAll(() => tf.setBackend('cpu'));

const numbers = (data: number[], shape = [data.length]): Numbers => ({
  data: Float32Array.from(data),
  shape,
});
const whole = (...data: number[]): Numbers => ({ ...numbers(data), dtype: 'int64' });
const end = (type: 'Input' | 'Output', ...shape: number[]) => ({ type, shape: whole(...shape) });

const write = async (node: Tree) => writeHdf5({ version: '1.0', node }, await loadH5wasm());

/** A file of one node between an input and an output, the output's shape not looked at. */
const between = (node: Tree, shape: number[]) =>
  write({
    type: 'NIRGraph',
    nodes: { in: end('Input', ...shape), node, out: end('Output', 1) },
    edges: ['in', 'node', 'node', 'out'],
  });

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

const scale = { type: 'Scale', scale: numbers([1]) };
const neuron = { type: 'IF', r: numbers([1]), v_threshold: numbers([1]) };

/** A graph of one channel from 'in' to 'out'. */
const graph = (nodes: Tree, ...edges: string[]) =>
  write({
    type: 'NIRGraph',
    nodes: { in: end('Input', 1), out: end('Output', 1), ...nodes },
    edges,
  });

describe('what is refused, with a NirError', () => {
  test.each<[string, () => Promise<Uint8Array>, RegExp]>([
    [
      'an unknown type',
      () => between({ type: 'Softmax' }, [1]),
      /^Node node is of type Softmax, which has no layer here$/,
    ],
    [
      'a parameter that is missing',
      () => between({ type: 'LIF', ...li }, [2]),
      /^v_threshold of node node \(LIF\) must be numbers, but got none$/,
    ],
    [
      'a text for numbers',
      () => between({ type: 'Scale', scale: 'two' }, [1]),
      /^scale of node node \(Scale\) must be numbers, but got 'two'$/,
    ],
    [
      'numbers that are not finite',
      () => between({ type: 'Scale', scale: numbers([Number.NaN]) }, [1]),
      /scale must be a text or finite numbers/,
    ],
    [
      'a parameter of another shape',
      () => between({ type: 'Scale', scale: numbers([1, 2]) }, [3]),
      /^scale of node node \(Scale\) must be of shape \[3\] or one number, but is of \[2\]$/,
    ],
    [
      'a time constant of 0',
      () => between({ type: 'LI', ...li, tau: two(0) }, [2]),
      /^tau of node node \(LI\) must be positive, but got 0$/,
    ],
    [
      'other channels',
      () => between({ type: 'Linear', weight: numbers([1, 2], [1, 2]) }, [3]),
      /must take 2 channels and 0 axes beside them, but gets \[3\]/,
    ],
    [
      'a shape beyond memory',
      () => between(scale, [1e6, 1e6]),
      /^shape of node in \(Input\) must be one to three positive sizes, but got \[1000000,1000000\]$/,
    ],
    [
      'a negative shape',
      () => between(scale, [-1]),
      /^shape of node in \(Input\) must be 1 whole numbers, but got \[-1\]$/,
    ],
    [
      'three groups of four',
      () =>
        between(
          {
            type: 'Conv2d',
            weight: numbers(Array(8).fill(1), [4, 2, 1, 1]),
            bias: two(0),
            groups: whole(2),
          },
          [4, 2, 2],
        ),
      /bias of node node \(Conv2d\) must have 4 numbers/,
    ],
    ['no edges', () => graph({ scale }), /^Node \w+ must have an input, but no edge leads to it$/],
    [
      'an edge to nowhere',
      () => graph({ scale }, 'in', 'none'),
      /^Edge in -> none must join two nodes of the graph$/,
    ],
    [
      'a loop without a neuron',
      () => graph({ a: scale, b: scale }, 'in', 'a', 'a', 'b', 'b', 'a', 'b', 'out'),
      /^The loop of nodes \w, \w must go through one neuron, but goes through 0$/,
    ],
    [
      'a loop of two neurons',
      () => graph({ a: neuron, b: neuron }, 'in', 'a', 'a', 'b', 'b', 'a', 'b', 'out'),
      /must go through one neuron, but goes through 2$/,
    ],
    [
      'a loop that divides',
      () =>
        graph(
          { n: neuron, a: scale, b: scale },
          'in',
          'n',
          'n',
          'a',
          'n',
          'b',
          'a',
          'n',
          'b',
          'n',
          'n',
          'out',
        ),
      /must be one chain, but divides after n$/,
    ],
    [
      'no graph',
      () => write({ type: 'NIRGraph' }),
      /^The file must be a graph of nodes and of edges in pairs$/,
    ],
    ['a node without type', () => graph({ a: {} }), /^Node a must be a group with a type$/],
  ])('%s', async (_, make, message) => {
    const bytes = await make();
    const error = await readNir(bytes).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(interop.NirError);
    expect((error as Error).message).toMatch(message);
  });

  test('a file cut anywhere, and bytes that are none', async () => {
    const whole = nirFile('lif_norse');
    const cuts = Array.from({ length: 40 }, (_, i) => Math.floor((i * whole.length) / 40));
    for (const bytes of [...cuts.map((cut) => whole.subarray(0, cut)), new Uint8Array(5000)]) {
      await expect(readNir(bytes)).rejects.toThrow(interop.NirError);
    }
  });

  test('a file with any byte changed: read, or refused', async () => {
    const whole = nirFile('two_lif_neurons');
    for (let i = 0; i < whole.length; i += 97) {
      const bytes = whole.slice();
      bytes[i]! ^= 0xff;
      const result = await readNir(bytes).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(interop.NirError);
      else (result as tf.LayersModel).dispose();
    }
  });

  test('numbers that claim more than their file can hold', async () => {
    const { File, ready } = await loadH5wasm();
    const { FS } = await ready;
    const file = new File('/claim.h5', 'w');
    const options = {
      name: 'claim',
      data: Float32Array.of(1),
      shape: [1],
      maxshape: [null],
      chunks: [1024],
    };
    file.create_dataset(options).resize([2 ** 30]);
    file.close();
    await expect(readNir(FS.readFile('/claim.h5'))).rejects.toThrow(
      'the file/claim must fit the size of its file, but its shape is [1073741824]',
    );
    FS.unlink('/claim.h5');
  });

  test('options that there are not', async () => {
    await expect(readNir(nirFile('lif_norse'), { dt: 0 })).rejects.toThrow(
      'dt must be a positive finite number, but got 0',
    );
    await expect(readNir(nirFile('lif_norse'), { reset: 'hard' as never })).rejects.toThrow(
      "reset must be one of 'zero', 'subtract', 'multi-spike', but got 'hard'",
    );
    await expect(readNir(nirFile('lif_norse'), { step: 1 } as never)).rejects.toThrow(
      "readNir has no option 'step'",
    );
  });
});
