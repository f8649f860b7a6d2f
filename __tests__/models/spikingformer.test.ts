/** Whole Spikingformers: streaming, independence of batch neighbors, saving, names. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import type { SpikingformerConfig } from '../../models';
import { describeEachBackend, onGPU, repeatably } from '../support/backends';
import { expectForwardClose, expectSameInAnyBatch } from '../support/compare';
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

  test.each(kinds)('%s answers for a sample whatever its batch neighbours', (_, config) => {
    const compare = () => {
      const model = build(config);
      const x = inputOf(config, onGPU(backend) ? 2 : 5); // GPUs compile for every size of batch
      const together = model.predict(x) as tf.Tensor;
      const alone = tf.unstack(x).map((sample) => model.predict(sample.expandDims(0)) as tf.Tensor);
      const numbers = Array.from(together.dataSync());
      // webgpu picks a convolution's program by its size, and with it the order of its sums.
      const expectSame = (y: tf.Tensor) =>
        backend === 'webgpu'
          ? expectForwardClose(y, together)
          : expectSameInAnyBatch(backend, y, together);
      expectSame(tf.concat(alone));
      const backwards = tf.stack(tf.unstack(x).reverse()); // webgl reverses no five axes
      const reversed = (model.predict(backwards, { batchSize: 2 }) as tf.Tensor).reverse(0);
      expectSame(reversed);
      expect(new Set(numbers).size).toBeGreaterThan(3);
      model.dispose();
    };
    repeatably(() => tf.tidy(compare));
  });

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
});
