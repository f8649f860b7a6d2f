/** Whole Spikingformers: streaming, independence of batch neighbours, saving, and what they refuse. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import type { SpikingformerConfig } from '../../models';
import { describeEachBackend, repeatably } from '../support/backends';
import { expectForwardClose } from '../support/compare';
import { compiled, predict, savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const TIME = 3;
const image: SpikingformerConfig = {
  inputShape: [8, 8, 2],
  numClasses: 3,
  embedDim: 16,
  depth: 1,
  numHeads: 4,
  mlpRatio: 2,
  timeSteps: TIME,
  attnVThreshold: 0.2,
};
const { timeSteps: _, ...timeless } = image;
const events: SpikingformerConfig = { ...timeless, inputShape: [TIME, 8, 8, 2] };

function build(config: SpikingformerConfig): tf.LayersModel {
  const model = spiking.models.spikingformer(config);
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const inputOf = (config: SpikingformerConfig, batch = 2) =>
  tf.randomUniform([batch, ...config.inputShape], 0, 2, 'float32', 9);

/** Spikes of every layer by path, as numbers. */
function spikesOf(model: tf.LayersModel, x: tf.Tensor): Map<string, tf.Tensor> {
  return spiking.observe(model, x);
}

const kinds = [
  ['of images', image],
  ['of events', events],
] as const;

describeEachBackend('models.spikingformer', (backend) => {
  test.each(kinds)('%s fires frame by frame as on the whole clip', async (_, config) => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const whole = build(config);
        const isImage = config.inputShape.length === 3;
        const stream = build({
          ...config,
          stateful: true,
          ...(isImage ? { timeSteps: 1 } : { inputShape: [1, ...config.inputShape.slice(1)] }),
        });
        const x = inputOf(config);
        const expected = spikesOf(whole, x);
        const frames = Array.from({ length: TIME }, (_, t) =>
          isImage ? x : x.slice([0, t], [2, 1]),
        );
        const pieces = frames.map((frame) => spikesOf(stream, frame));
        for (const [path, spikes] of expected) {
          const streamed = tf.concat(
            pieces.map((piece) => piece.get(path)!),
            1,
          );
          expect(Array.from(streamed.dataSync())).toEqual(Array.from(spikes.dataSync()));
        }
        expect(new Set(expected.get('block1/attn/attn_lif')!.dataSync()).size).toBe(2);
        // The logits are linear in the rates: those of the clip are the mean of the frames'.
        stream.resetStates();
        const logits = frames.map((frame) => stream.predict(frame) as tf.Tensor);
        const mean = tf.stack(logits).mean(0);
        expectForwardClose(mean, whole.predict(x) as tf.Tensor, 'mean of the logits');
        // Without resetStates the stream goes on, and answers otherwise.
        const later = stream.predict(frames[0]!) as tf.Tensor;
        expect(Array.from(later.dataSync())).not.toEqual(Array.from(logits[0]!.dataSync()));
        stream.resetStates();
        const again = stream.predict(frames[0]!) as tf.Tensor;
        expect(Array.from(again.dataSync())).toEqual(Array.from(logits[0]!.dataSync()));
        tf.dispose([...expected.values(), ...pieces.flatMap((piece) => [...piece.values()])]);
        whole.dispose();
        stream.dispose();
      });
    });
  });

  test.each(kinds)(
    '%s answers for a sample whatever its batch neighbours, to the bit',
    (_, config) => {
      const compare = () => {
        const model = build(config);
        const x = inputOf(config, 5);
        const together = model.predict(x) as tf.Tensor;
        const alone = tf
          .unstack(x)
          .map((sample) => model.predict(sample.expandDims(0)) as tf.Tensor);
        const numbers = Array.from(together.dataSync());
        // webgpu picks a convolution's program by its size, and with it the order of its sums.
        const expectSame = (y: tf.Tensor) =>
          backend === 'webgpu'
            ? expectForwardClose(y, together)
            : expect(Array.from(y.dataSync())).toEqual(numbers);
        expectSame(tf.concat(alone));
        const backwards = tf.stack(tf.unstack(x).reverse()); // webgl reverses no five axes
        const reversed = (model.predict(backwards, { batchSize: 2 }) as tf.Tensor).reverse(0);
        expectSame(reversed);
        expect(new Set(numbers).size).toBeGreaterThan(3);
        model.dispose();
      };
      repeatably(() => tf.tidy(compare));
    },
  );

  test.each(kinds)('%s is trained, saved and loaded with its options', async (_, config) => {
    const odd = {
      ...config,
      order: 'conv-bn-lif-pool',
      vReset: null,
      tau: 3,
      surrogate: 'atan',
    } as const;
    const model = compiled(build(odd));
    const [x, y] = [inputOf(config), tf.ones([2, 3])];
    await model.trainOnBatch(x, y);
    const loaded = await savedAndLoaded(model);
    repeatably(() => expect(predict(loaded, x)).toEqual(predict(model, x)));
    model.layers.forEach((layer, i) => {
      if (layer.name !== 'head') expect(loaded.layers[i]!.getConfig()).toEqual(layer.getConfig());
    });
    await compiled(loaded).trainOnBatch(x, y);
    tf.dispose([x, y]);
    loaded.dispose();
    model.dispose();
  });

  test('leaks nothing over a life with training', async () => {
    await expectNoLeak(async () => {
      const model = build(events);
      const optimizer = tf.train.adam(1e-3);
      model.compile({ optimizer, loss: 'meanSquaredError' });
      const [x, y] = [inputOf(events), tf.ones([2, 3])];
      await model.trainOnBatch(x, y);
      await expectNoLeak(async () => {
        for (let i = 0; i < 5; i++) await model.trainOnBatch(x, y);
        tf.dispose(model.predict(x));
      });
      tf.dispose([x, y]);
      model.dispose();
      optimizer.dispose();
    });
  });

  test('every block has its own weights and name; the model takes the name given', () => {
    const model = build({ ...image, depth: 3, name: 'network' });
    expect(model.name).toBe('network');
    expect(model.layers.map((layer) => layer.name).slice(1)).toEqual([
      'tokenizer',
      'block1',
      'block2',
      'block3',
      'readout',
      'head',
    ]);
    const names = model.weights.map((weight) => weight.originalName);
    expect(new Set(names).size).toBe(names.length);
    model.dispose();
  });

  test.each([4, 8, 16])('patchSize %p: one token for that many pixels', (patchSize) => {
    const model = spiking.models.spikingformer({ ...image, inputShape: [16, 32, 1], patchSize });
    expect(model.getLayer('tokenizer').outputShape).toEqual([
      null,
      TIME,
      16 / patchSize,
      32 / patchSize,
      16,
    ]);
    expect(model.outputShape).toEqual([null, 3]);
    model.dispose();
  });

  const bad: [string, Record<string, unknown>, RegExp][] = [
    [
      'a typo',
      { numclasses: 3 },
      /^spikingformer has no option 'numclasses'; its options are inputShape, /,
    ],
    [
      'no inputShape',
      { inputShape: undefined },
      /^inputShape must be \[height, width, channels\] or .*, but got undefined$/,
    ],
    ['an inputShape of rank 2', { inputShape: [8, 8] }, /^inputShape must be .*, but got \[8,8\]$/],
    [
      'an inputShape of rank 5',
      { inputShape: [1, 1, 8, 8, 2] },
      /^inputShape must be .* but got \[1,1,8,8,2\]$/,
    ],
    [
      'NaN in inputShape',
      { inputShape: [8, Number.NaN, 2] },
      /^inputShape\[1\] must be a positive integer, but got NaN$/,
    ],
    [
      'a negative side',
      { inputShape: [8, 8, -2] },
      /^inputShape\[2\] must be a positive integer, but got -2$/,
    ],
    ['a string as inputShape', { inputShape: '8' }, /^inputShape must be .*, but got '8'$/],
    [
      'no numClasses',
      { numClasses: undefined },
      /^numClasses must be a positive integer, but got undefined$/,
    ],
    [
      'numClasses NaN',
      { numClasses: Number.NaN },
      /^numClasses must be a positive integer, but got NaN$/,
    ],
    ['depth 0', { depth: 0 }, /^depth must be a positive integer, but got 0$/],
    ['depth as a string', { depth: '2' }, /^depth must be a positive integer, but got '2'$/],
    [
      'embedDim not a multiple of 8',
      { embedDim: 12 },
      /^embedDim must be a multiple of 8, but got 12$/,
    ],
    ['embedDim 0', { embedDim: 0 }, /^embedDim must be a positive integer, but got 0$/],
    [
      'heads that do not divide',
      { numHeads: 3 },
      /^numHeads must be a divisor of embedDim \(16\), but got 3$/,
    ],
    [
      'numHeads NaN',
      { numHeads: Number.NaN },
      /^numHeads must be a positive integer, but got NaN$/,
    ],
    ['patchSize 5', { patchSize: 5 }, /^patchSize must be 4, 8 or 16, but got 5$/],
    [
      'an image smaller than a token',
      { inputShape: [2, 8, 2] },
      /at least patchSize \(4\) pixels per side, but got \[null,2,8,2\]$/,
    ],
    ['timeSteps 0', { timeSteps: 0 }, /^timeSteps must be a positive integer, but got 0$/],
    ['timeSteps 1.5', { timeSteps: 1.5 }, /^timeSteps must be a positive integer, but got 1.5$/],
    [
      'timeSteps against the events',
      { inputShape: [4, 8, 8, 2] },
      /^timeSteps must be inputShape\[0\] \(4\), the time steps of the events, but got 3$/,
    ],
    [
      'mlpRatio NaN',
      { mlpRatio: Number.NaN },
      /^mlpRatio must be a positive finite number, but got NaN$/,
    ],
    [
      'mlpRatio negative',
      { mlpRatio: -4 },
      /^mlpRatio must be a positive finite number, but got -4$/,
    ],
    [
      'mlpRatio with half a channel',
      { mlpRatio: 0.3 },
      /^mlpRatio must be a number whose product with the 16 channels is whole, but got 0.3$/,
    ],
    ['scale NaN', { scale: Number.NaN }, /^scale must be a finite number, but got NaN$/],
    [
      'attnVThreshold NaN',
      { attnVThreshold: Number.NaN },
      /^attnVThreshold must be a finite number, but got NaN$/,
    ],
    [
      'attnVThreshold below vReset',
      { attnVThreshold: -1 },
      /^attnVThreshold must be greater than vReset \(0\), but got -1$/,
    ],
    [
      'attnVThreshold 0 with soft reset',
      { attnVThreshold: 0, vReset: null },
      /^attnVThreshold must be positive if vReset is null \(soft reset\), but got 0$/,
    ],
    [
      'order unknown',
      { order: 'pool-first' },
      /^order must be one of 'conv-bn-pool-lif', 'conv-bn-lif-pool', but got 'pool-first'$/,
    ],
    ['tau 1', { tau: 1 }, /^tau must be a finite number greater than 1 \(time steps\), but got 1$/],
    [
      'surrogate unknown',
      { surrogate: 'relu' },
      /^surrogate must be one of 'sigmoid', .*, but got 'relu'$/,
    ],
    [
      'stateful as a string',
      { stateful: 'yes' },
      /^stateful must be true or false, but got 'yes'$/,
    ],
  ];
  test.each(bad)('refuses %s, and leaks nothing', async (_, change, message) => {
    await expectNoLeak(() => {
      const config = { ...image, ...change } as unknown as SpikingformerConfig;
      expect(() => spiking.models.spikingformer(config)).toThrow(message);
    });
  });

  test('refuses no configuration at all', () => {
    expect(() => spiking.models.spikingformer(undefined as unknown as SpikingformerConfig)).toThrow(
      'config must be an object of options, but got undefined',
    );
  });
});
