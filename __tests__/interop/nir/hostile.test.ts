/** NIR files that are damaged or hostile, or say what nothing here builds: a NirError that names it. */
import * as tf from '@tensorflow/tfjs';
import { interop } from 'tfjs-spikingformer';
import type { Tree } from '../../../interop/nir/_hdf5';
import '../../support/backends';
import {
  between,
  end,
  loadH5wasm,
  nirFile,
  numbers,
  readNir,
  whole,
  write,
} from '../../support/nir';

beforeAll(() => tf.setBackend('cpu'));

const two = (value: number) => numbers([value, value]);
const li = { tau: two(2e-4), r: two(2), v_leak: two(0) };

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
