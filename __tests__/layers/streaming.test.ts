/** stateful: true. A clip at once and the same clip in pieces end in the same spikes, exactly. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend, onGPU, repeatably } from '../support/backends';
import { expectClose } from '../support/compare';
import { savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers } = spiking;
const TIME = 5;

type Make = (options: {
  name?: string;
  stateful?: boolean;
  inputShape?: (number | null)[];
}) => tf.layers.Layer;

const streams: [name: string, frame: number[], make: Make][] = [
  ['IFNode', [6], (o) => layers.ifNode(o)],
  ['LIFNode', [6], (o) => layers.lifNode({ tau: 3.3, ...o })],
  ['LIFNode with soft reset', [2, 3], (o) => layers.lifNode({ vReset: null, ...o })],
  [
    'LIFNode reset below zero',
    [6],
    (o) => layers.lifNode({ vReset: -0.5, decayInput: false, ...o }),
  ],
  ['ParametricLIFNode', [6], (o) => layers.parametricLIFNode({ initTau: 1.5, ...o })],
  ['CMLDownsample', [4, 4, 2], (o) => layers.cmlDownsample({ filters: 5, vThreshold: 2, ...o })],
  [
    'CMLDownsample of spikes',
    [4, 4, 2],
    (o) => layers.cmlDownsample({ filters: 5, order: 'conv-bn-lif-pool', ...o }),
  ],
  [
    'SpikingSelfAttention',
    [3, 8],
    (o) => layers.spikingSelfAttention({ numHeads: 2, attnVThreshold: 0.2, ...o }),
  ],
  ['SpikingMLP', [3, 4], (o) => layers.spikingMLP(o)],
  [
    'SpikingformerBlock',
    [2, 2, 8],
    (o) => layers.spikingformerBlock({ numHeads: 2, attnVThreshold: 0.2, ...o }),
  ],
  [
    'SpikformerSelfAttention',
    [3, 8],
    (o) => layers.spikformerSelfAttention({ numHeads: 2, attnVThreshold: 0.2, ...o }),
  ],
  ['SpikformerMLP', [3, 4], (o) => layers.spikformerMLP(o)],
  [
    'SpikformerBlock',
    [2, 2, 8],
    (o) => layers.spikformerBlock({ numHeads: 2, attnVThreshold: 0.2, ...o }),
  ],
  ['SpikformerTokenizer', [8, 8, 2], (o) => layers.spikformerTokenizer({ embedDim: 8, ...o })],
  ['SpikingTokenizer', [8, 8, 2], (o) => layers.spikingTokenizer({ embedDim: 8, ...o })],
];

/** A model of that layer alone, of any number of steps, with the weights that every such model has. */
function modelOf(make: Make, frame: number[], stateful: boolean): tf.LayersModel {
  const layer = make({ name: 'layer', stateful, inputShape: [null, ...frame] });
  const model = tf.sequential({ layers: [layer] });
  if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const clipOf = (frame: number[], batch = 2) =>
  tf.randomUniform([batch, TIME, ...frame], -1, 3, 'float32', 21);

const steps = (clip: tf.Tensor, from: number, count: number) =>
  clip.slice([0, from], [clip.shape[0]!, count]);

/** Every neuron layer's spikes, and the output, of a clip in pieces of those lengths. */
function run(model: tf.LayersModel, clip: tf.Tensor, pieces: number[]): Map<string, number[]> {
  const over = new Map<string, tf.Tensor[]>();
  let from = 0;
  for (const count of pieces) {
    const piece = steps(clip, from, count);
    for (const [path, spikes] of spiking.observe(model, piece)) {
      over.set(path, [...(over.get(path) ?? []), spikes]);
    }
    piece.dispose();
    from += count;
  }
  const numbers = new Map<string, number[]>();
  for (const [path, spikes] of over) {
    numbers.set(
      path,
      tf.tidy(() => Array.from(tf.concat(spikes, 1).dataSync())),
    );
    tf.dispose(spikes);
  }
  return numbers;
}

/** GPUs compile for every number of steps. */
const piecesOn = (backend: string) => [
  [1, 1, 1, 1, 1],
  [2, 3],
  ...(onGPU(backend) ? [] : [[4, 1], [TIME]]),
];

describeEachBackend('a stateful layer', (backend) => {
  describe.each(streams)('%s', (_, frame, make) => {
    test('fires frame by frame as it does on the whole clip, and in any pieces', async () => {
      await expectNoLeak(() => {
        const [whole, stream] = [modelOf(make, frame, false), modelOf(make, frame, true)];
        const clip = clipOf(frame);
        const expected = run(whole, clip, [TIME]);
        expect([...expected.values()].some((spikes) => spikes.includes(1))).toBe(true);
        for (const pieces of piecesOn(backend)) {
          expect(run(stream, clip, pieces)).toEqual(expected);
          stream.resetStates();
        }
        // What the state is for: without it, and without a reset, the spikes are others.
        expect(run(whole, clip, [1, 1, 1, 1, 1])).not.toEqual(expected);
        run(stream, clip, [TIME]);
        expect(run(stream, clip, [TIME])).not.toEqual(expected);
        clip.dispose();
        whole.dispose();
        stream.dispose();
      });
    });

    test('gives the same output frame by frame, to the bit', () => {
      const compare = () => {
        const [whole, stream] = [modelOf(make, frame, false), modelOf(make, frame, true)];
        const clip = clipOf(frame);
        const expected = whole.predict(clip) as tf.Tensor;
        const outputs = Array.from(
          { length: TIME },
          (_, t) => stream.predict(steps(clip, t, 1)) as tf.Tensor,
        );
        expect(Array.from(tf.concat(outputs, 1).dataSync())).toEqual(
          Array.from(expected.dataSync()),
        );
        whole.dispose();
        stream.dispose();
      };
      repeatably(() => tf.tidy(compare));
    });

    test('is forgetful by resetStates of the layer, and cannot be where it keeps nothing', async () => {
      const stream = modelOf(make, frame, true);
      const [layer] = stream.layers;
      const clip = clipOf(frame);
      const first = run(stream, clip, [TIME]);
      layer!.resetStates();
      expect(run(stream, clip, [TIME])).toEqual(first);
      layer!.resetStates();
      layer!.resetStates();
      expect(layer!.stateful).toBe(true);
      expect(stream.stateful).toBe(true);
      const plain = make({});
      expect(plain.stateful).toBe(false);
      expect(() => plain.resetStates()).toThrow(/non-stateful/);
      clip.dispose();
      stream.dispose();
    });

    test('stays stateful in a file', async () => {
      const stream = modelOf(make, frame, true);
      const loaded = await savedAndLoaded(stream);
      expect(loaded.stateful).toBe(true);
      expect(loaded.layers[0]!.getConfig().stateful).toBe(true);
      const clip = clipOf(frame);
      expect(run(loaded, clip, [1, 4])).toEqual(run(stream, clip, [2, 3]));
      clip.dispose();
      loaded.dispose();
      stream.dispose();
    });

    test('says so when the batch changes between calls, and goes on after a reset', async () => {
      const stream = modelOf(make, frame, true);
      const forty = clipOf(frame, 40);
      // predict splits 40 samples into 32 and 8.
      await expectNoLeak(() => {
        expect(() => stream.predict(forty, { batchSize: 32 })).toThrow(
          /is stateful and holds membranes of shape \[32,.*\], but this input needs \[8,.*\]: keep the same batch size/,
        );
        stream.resetStates();
      });
      tf.dispose(stream.predict(forty, { batchSize: 40 }));
      stream.resetStates();
      forty.dispose();
      stream.dispose();
    });
  });

  test('passes gradients from piece to piece, where one gradient is taken of all', () => {
    tf.tidy(() => {
      const x = clipOf([6]);
      const whole = tf.grad((clip) => (layers.lifNode().apply(clip) as tf.Tensor).sum())(x);
      const stream = layers.lifNode({ stateful: true });
      const pieces = tf.grad((clip) => {
        const outputs = [steps(clip, 0, 2), steps(clip, 2, 3)].map(
          (z) => stream.apply(z) as tf.Tensor,
        );
        return tf.concat(outputs, 1).sum();
      })(x);
      expectClose(pieces, whole, 'gradient', { atol: 1e-6 });
      stream.resetStates();
    });
  });

  test('trains over steps that follow each other, and frees its states', async () => {
    await expectNoLeak(async () => {
      const model = tf.sequential({
        layers: [
          layers.spikingMLP({ stateful: true, inputShape: [2, 3, 4] }),
          layers.rateReadout(),
          tf.layers.dense({ units: 1 }),
        ],
      });
      const optimizer = tf.train.sgd(0.1);
      model.compile({ optimizer, loss: 'meanSquaredError' });
      const [x, y] = [clipOf([3, 4], 2), tf.ones([2, 1])];
      const two = steps(x, 0, 2);
      await model.trainOnBatch(two, y);
      await expectNoLeak(() => model.trainOnBatch(two, y));
      tf.dispose([x, y, two]);
      model.dispose();
      optimizer.dispose();
    });
  });
});
