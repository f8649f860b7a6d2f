/** Networks with weights in 8 and 16 bits: against networks whose weights were rounded by hand. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from 'tfjs-spikingformer/node';
import { describeFasterBackends } from '../support/backends';
import { expectForwardClose, expectSpikesEqual } from '../support/compare';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';
import { temporaryDirectory } from '../support/process';
import { smallNetworks } from '../support/small_networks';

const { layers, models } = spiking;
const directory = temporaryDirectory();

function seeded(model: tf.LayersModel): tf.LayersModel {
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

/** Ids if the network begins with words, else numbers around the thresholds. */
function inputOf(model: tf.LayersModel): tf.Tensor {
  const shape = [2, ...(model.inputs[0]!.shape.slice(1) as number[])];
  if (shape.length === 2) return tf.randomUniform(shape, 0, 2, 'int32', 5);
  return tf.randomUniform(shape, 0, 2, 'float32', 5);
}

/** Rounds to whole steps, the largest magnitude of a channel, or of all, being 127 of them. */
function rounded(weight: tf.LayerVariable, perChannel: boolean): Float32Array {
  const numbers = weight.read().dataSync() as Float32Array;
  const channels = perChannel ? weight.shape.at(-1)! : 1;
  const largest = new Float64Array(channels);
  numbers.forEach((number, i) => {
    largest[i % channels] = Math.max(largest[i % channels]!, Math.abs(number));
  });
  return numbers.map((number, i) => {
    const step = largest[i % channels]! / 127;
    return Math.round(number / step) * step;
  });
}

async function reloaded(model: tf.LayersModel, to: 'int8' | 'float16', name: string) {
  const { artifacts, weights } = await models.quantize(model, to);
  const handler = fileHandler(`${directory}/${name}-${to}`);
  await handler.save!(artifacts);
  return { small: await tf.loadLayersModel(handler), weights };
}

/** The same outputs and spikes. */
function expectSame(actual: tf.LayersModel, expected: tf.LayersModel, x: tf.Tensor): void {
  tf.tidy(() => {
    const spikes = spiking.observe(actual, x);
    for (const [path, wanted] of spiking.observe(expected, x)) {
      expectSpikesEqual(spikes.get(path)!, wanted, path);
    }
    const [a, b] = [actual, expected].map((model) => model.predict(x) as tf.Tensor);
    expectForwardClose(a!, b!, 'outputs');
  });
}

describeFasterBackends('models.quantize', (backend) => {
  test.each(smallNetworks([1, 2, 3, 4]))(
    'of %s, through a file, fused too',
    async (preset, create) => {
      const model = seeded(create());
      const x = inputOf(model);
      const { small: int8, weights } = await reloaded(model, 'int8', `${backend}-${preset}`);

      let kernels = 0;
      for (const weight of model.weights) {
        const { format } = weights.find(({ name }) => name === weight.originalName)!;
        expect(format === 'float32').toBe(weight.shape.length === 1);
        if (format === 'float32') continue;
        const behind = weight.originalName.replace(/kernel$/, 'bn/gamma');
        const hasNorm = model.weights.some((w) => w !== weight && w.originalName === behind);
        expect(format).toBe(hasNorm ? 'int8 per channel' : 'int8');
        const numbers = rounded(weight, hasNorm);
        weight.write(tf.tensor(numbers, weight.shape as number[]));
        if (hasNorm) kernels++;
      }
      expectSame(int8, model, x);
      if (kernels > 0) {
        const fused = models.fuseBatchNorm(int8);
        expectSame(fused, model, x);
        await expect(models.quantize(fused, 'int8')).rejects.toThrow(
          /cannot become int8: it is fused for inference/,
        );
        const { small: half } = await reloaded(fused, 'float16', `${backend}-fused`);
        half.dispose();
        fused.dispose();
      }
      for (const each of [model, int8]) each.dispose();
      x.dispose();
    },
  );

  test('of words: signs of the embeddings, and so their spikes, are kept in both formats', async () => {
    const build = () =>
      tf.sequential({
        layers: [
          layers.tokenEmbedding({ inputShape: [4], vocabSize: 4, embedDim: 6, timeSteps: 2 }),
          layers.linearLN({ units: 5 }),
          layers.lifNode({}),
          layers.rateReadout(),
        ],
      });
    const model = seeded(build());
    const table = model.weights[0]!;
    const numbers = table
      .read()
      .dataSync()
      .map((value, i) => (i % 3 ? value : -(10 ** -(i + 4))));
    table.write(tf.tensor(numbers, [4, 6]));
    const x = tf.tensor2d([[0, 1, 2, 3]], [1, 4], 'int32');
    for (const to of ['int8', 'float16'] as const) {
      const { small: loaded } = await reloaded(model, to, `${backend}-words`);
      tf.tidy(() => {
        const [before, after] = [model, loaded].map(
          (each) => each.layers[0]!.apply(x) as tf.Tensor,
        );
        expect(before!.mean().dataSync()[0]).toBeGreaterThan(0.1);
        expectSpikesEqual(after!, before!, to);
      });
      loaded.dispose();
    }
    model.dispose();
    x.dispose();
  });

  test('takes channels of zeros, tiny ones and stock layers, keeps metadata and the model', async () => {
    const model = seeded(
      tf.sequential({
        layers: [
          layers.convBN({ inputShape: [2, 4, 4, 2], filters: 3, useBias: true }),
          layers.lifNode({}),
          layers.depthwiseConvBN(),
          layers.rateReadout(),
          tf.layers.dense({ units: 2 }),
        ],
      }),
    );
    const [kernel] = model.weights;
    const scales = tf.tensor1d([1, 0, 1e-30]);
    kernel!.write(tf.tidy(() => kernel!.read().mul(scales)));
    model.setUserDefinedMetadata({ classes: ['a', 'b'] });
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const x = inputOf(model);
    const { small: int8 } = await reloaded(model, 'int8', `${backend}-zeros`);
    tf.tidy(() => {
      const first = (each: tf.LayersModel) => each.layers[0]!.apply(x) as tf.Tensor;
      const [a, b] = [first(int8), first(model)].map((y) => y.slice([0, 0, 0, 0, 1]));
      expectForwardClose(a!, b!, 'channels without weights');
    });
    expect(int8.getUserDefinedMetadata()).toEqual({ classes: ['a', 'b'] });
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);

    const again = await models.quantize(int8, 'int8');
    const kernels = again.weights.filter(({ format }) => format === 'int8 per channel');
    expect(kernels.map(({ error }) => error)).toEqual([0, 0]);
    await expectNoLeak(async () => {
      await models.quantize(model, 'float16');
    });
    for (const each of [model, int8]) each.dispose();
    tf.dispose([x, scales]);
  });

  test('refuses what cannot be stored, by name', async () => {
    const model = tf.sequential({
      layers: [layers.linearBN({ name: 'map', inputShape: [2, 3], units: 2 })],
    });
    const set = (index: number, value: number) =>
      model.weights[index]!.write(tf.fill(model.weights[index]!.shape as number[], value));
    const error = (to: string) =>
      models.quantize(model, to as 'int8').catch((e: Error) => e.message);
    expect(await error('int4')).toBe("to must be one of 'int8', 'float16', but got 'int4'");
    expect(await models.quantize(undefined!, 'int8').catch((e: Error) => e.message)).toMatch(
      /^model must be a tf.LayersModel/,
    );
    set(0, 70000);
    expect(await error('float16')).toBe(
      "weight 'map/kernel' must be from -65504 to 65504, but got 70000",
    );
    set(0, NaN);
    expect(await error('int8')).toBe("weight 'map/kernel' must be of finite numbers, but got NaN");
    set(0, 1);
    set(4, -1); // The running variance.
    expect(await error('int8')).toMatch(/^weight 'map\/.*' must be of finite numbers, but got NaN/);
    set(4, Infinity);
    expect(await error('float16')).toBe(
      "weight 'map/bn/moving_variance' must be of finite numbers, but got Infinity",
    );
    model.dispose();
  });
});
