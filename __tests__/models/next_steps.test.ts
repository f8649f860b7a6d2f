/** What people do with a trained model: other time steps, another resolution, other classes, answers by step. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose } from '../support/compare';
import { compiled, predict, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers, models } = spiking;
const config = { inputShape: [8, 8, 2], numClasses: 3, embedDim: 16, depth: 2, numHeads: 4 };

function build(changes: object = {}): tf.LayersModel {
  const model = models.spikingformer({ ...config, timeSteps: 3, attnVThreshold: 0.2, ...changes });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const images = (...shape: number[]) => tf.randomUniform(shape, 0, 2, 'float32', 9);

/** A model of stock and spiking layers, as in the README. */
function sequential(timeSteps: number): tf.Sequential {
  const model = tf.sequential({
    layers: [
      layers.directEncoding({ timeSteps, inputShape: [8, 8, 1] }),
      layers.cmlDownsample({ filters: 8 }),
      layers.rateReadout(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

describeEachBackend('next steps', () => {
  test('withTimeSteps answers as a network built with those steps', async () => {
    await expectNoLeak(() => {
      const [model, expected] = [build(), build({ timeSteps: 5 })];
      const x = images(2, 8, 8, 2);
      const other = models.withTimeSteps(model, 5);
      expect(predict(other, x)).toEqual(predict(expected, x));
      expect(predict(other, x)).not.toEqual(predict(model, x));
      const back = models.withTimeSteps(other, 3);
      expect(predict(back, x)).toEqual(predict(model, x));
      x.dispose();
      for (const each of [model, expected, other, back]) each.dispose();
    });
  });

  test('withTimeSteps of events, of tf.sequential, of a Spikformer', () => {
    const events = build({ inputShape: [3, 8, 8, 2] });
    const longer = models.withTimeSteps(events, 4);
    expect(longer.inputs[0]!.shape).toEqual([null, 4, 8, 8, 2]);
    const clip = images(2, 4, 8, 8, 2);
    const expected = build({ inputShape: [4, 8, 8, 2], timeSteps: 4 });
    expect(predict(longer, clip)).toEqual(predict(expected, clip));
    const [two, six] = [sequential(2), sequential(6)];
    const changed = models.withTimeSteps(two, 6);
    expect(changed.getClassName()).toBe('Sequential');
    const x = images(2, 8, 8, 1);
    expect(predict(changed, x)).toEqual(predict(six, x));
    const spikformer = models.spikformer({ ...config, timeSteps: 2 });
    const single = models.withTimeSteps(spikformer, 1);
    expect(single.getLayer('tokenizer').outputShape).toEqual([null, 1, 2, 2, 16]);
    tf.dispose([clip, x]);
    for (const each of [events, longer, expected, two, six, changed, spikformer, single]) {
      each.dispose();
    }
  });

  test('withInputShape runs the same weights at another resolution, and trains', async () => {
    const [model, expected] = [build(), build({ inputShape: [12, 16, 2] })];
    const large = compiled(models.withInputShape(model, [12, 16, 2]));
    const x = images(2, 12, 16, 2);
    expect(predict(large, x)).toEqual(predict(expected, x));
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const y = tf.ones([2, 3]);
    await large.trainOnBatch(x, y);
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    const open = models.withInputShape(model, [null, null, 2]);
    expect(predict(open, x)).toEqual(predict(expected, x));
    tf.dispose([x, y]);
    for (const each of [model, expected, large, open]) each.dispose();
  });

  test('copyWeights: a new head on a trained body, which can be frozen block by block', async () => {
    const trained = build();
    const model = models.spikingformer({
      ...config,
      timeSteps: 3,
      attnVThreshold: 0.2,
      numClasses: 5,
    });
    const { copied, kept } = models.copyWeights(trained, model);
    expect(kept).toEqual(['head/kernel', 'head/bias']);
    expect(copied.length).toBe(trained.weights.length - 2);
    const x = images(2, 8, 8, 2);
    const body = (whole: tf.LayersModel) =>
      tf.model({ inputs: whole.inputs, outputs: whole.getLayer('readout').output });
    expect(predict(body(model), x)).toEqual(predict(body(trained), x));

    for (const name of ['tokenizer', 'block1']) model.getLayer(name).trainable = false;
    const values = (name: string) =>
      model
        .getLayer(name)
        .getWeights()
        .map((weight) => Array.from(weight.dataSync()));
    const names = ['tokenizer', 'block1', 'block2', 'head'];
    const before = names.map(values);
    const y = tf.ones([2, 5]);
    await compiled(model).trainOnBatch(x, y);
    const same = names.map((name, i) => JSON.stringify(values(name)) === JSON.stringify(before[i]));
    expect(same).toEqual([true, true, false, false]);
    tf.dispose([x, y]);
    trained.dispose();
    model.dispose();
  });

  test('logitsPerStep: their mean is the answer, one step is that of a network of one step', async () => {
    const [model, single] = [build(), build({ timeSteps: 1 })];
    const x = images(2, 8, 8, 2);
    await expectNoLeak(() => {
      tf.tidy(() => {
        const perStep = models.logitsPerStep(model, x);
        expect(perStep.shape).toEqual([2, 3, 3]);
        expectForwardClose(perStep.mean(1), model.predict(x) as tf.Tensor);
        const first = perStep.slice([0, 0], [2, 1]).squeeze([1]);
        expectForwardClose(first, single.predict(x) as tf.Tensor);
      });
    });
    x.dispose();
    model.dispose();
    single.dispose();
  });
});

describe('errors', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('name what is wrong', () => {
    const model = build();
    const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    expect(() => models.withTimeSteps(model, 0)).toThrow(
      'timeSteps must be a positive integer, but got 0',
    );
    expect(() => models.withTimeSteps(dense, 2)).toThrow('model must be one with a time axis');
    expect(() => models.withInputShape(model, [8, 8])).toThrow(
      'inputShape must be a list of 3 sizes',
    );
    expect(() => models.withInputShape(model, [8, 8, -2])).toThrow('inputShape[2] must be');
    expect(() => models.withInputShape(model, [8, 8, 3])).toThrow('depend on its input shape');
    expect(() => models.copyWeights(dense, model)).toThrow(
      'have no weight with the same name and shape',
    );
    const x = tf.ones([1, 3]);
    expect(() => models.logitsPerStep(dense, x)).toThrow('has no RateReadout');
    x.dispose();
    model.dispose();
    dense.dispose();
  });
});
