/** toOnnx: which layers become what, options, and what is refused. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { checkBytes } from '../../../interop/onnx/to_onnx';
import { CompositeLayer } from '../../../layers/composite';
import { describeEachBackend } from '../../support/backends';
import { expectSameOutputs, expectSameSpikes, openOnnx } from '../../support/onnx';

const { layers, interop } = spiking;

function sequential(...all: tf.layers.Layer[]): tf.Sequential {
  const model = tf.sequential();
  for (const layer of all) model.add(layer);
  return model;
}

/** Exports and compares on a batch of 2. */
async function expectExported(model: tf.LayersModel, options?: spiking.interop.OnnxOptions) {
  const run = await openOnnx(await interop.toOnnx(model, options));
  const inputs = model.inputs.map(({ shape }, i) =>
    tf.randomUniform([2, ...(shape.slice(1) as number[])], -1, 2, 'float32', i + 1),
  );
  const outputs = await expectSameOutputs(model, run, ...inputs);
  if (options?.spikes) expectSameSpikes(model, inputs[0]!, outputs);
  tf.dispose(inputs);
  model.dispose();
}

const image = [6, 5, 3];
const stock: Record<string, () => tf.LayersModel> = {
  'a convolutional network': () =>
    sequential(
      tf.layers.conv2d({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        inputShape: image,
      }),
      tf.layers.batchNormalization({ movingMeanInitializer: 'randomUniform' }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, activation: 'relu6' }),
      tf.layers.flatten(),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 4, activation: 'softmax' }),
    ),
  pools: () =>
    sequential(
      tf.layers.zeroPadding2d({ padding: 1, inputShape: image }),
      tf.layers.maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
      tf.layers.averagePooling2d({ poolSize: 2, padding: 'same' }),
      tf.layers.globalAveragePooling2d({}),
    ),
  'layers in one dimension': () =>
    sequential(
      tf.layers.conv1d({ filters: 4, kernelSize: 3, activation: 'tanh', inputShape: [8, 3] }),
      tf.layers.permute({ dims: [2, 1] }),
      tf.layers.reshape({ targetShape: [3, 8] }),
      tf.layers.leakyReLU({ alpha: 0.2 }),
      tf.layers.layerNormalization({}),
    ),
  'two inputs, two outputs': () => {
    const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
    const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
    const both = tf.layers.concatenate().apply([sum, b]) as tf.SymbolicTensor;
    return tf.model({ inputs: [a, b], outputs: [sum, both] });
  },
};

const spikes: Record<string, () => tf.layers.Layer> = {
  IF: () => layers.ifNode({ vReset: null }),
  'LIF, hard reset elsewhere': () => layers.lifNode({ vReset: -0.5, vThreshold: 0.3, tau: 3 }),
  'LIF, input not decayed': () => layers.lifNode({ decayInput: false, vThreshold: 0.4 }),
  PLIF: () => layers.parametricLIFNode({ initTau: 3, vThreshold: 0.3 }),
};

describeEachBackend('ONNX', (backend) => {
  test.each(Object.keys(stock))('stock layers: %s', (name) => expectExported(stock[name]!()));

  test.each(Object.keys(spikes))('neurons: %s', (name) => {
    const neuron = spikes[name]!();
    const input = layers.batchNormOverTime({ inputShape: [4, 7] });
    return expectExported(sequential(input, neuron), { spikes: true });
  });

  test.each([
    ['directEncoding', layers.directEncoding({ timeSteps: 3, inputShape: image })],
    ['latencyEncoder', layers.latencyEncoder({ timeSteps: 5, inputShape: image })],
    ['poissonEncoder', layers.poissonEncoder({ timeSteps: 3, seed: 1, inputShape: image })],
  ])('%s', (_, encoder) =>
    expectExported(sequential(encoder, layers.tokenMean(), layers.rateReadout())),
  );

  test('an embedding of numbers that are whole', async () => {
    const model = sequential(tf.layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 4 }));
    const run = await openOnnx(await interop.toOnnx(model));
    const x = tf.tensor2d([[0, 1, 4, 2]]);
    await expectSameOutputs(model, run, x);
    tf.dispose([x, model.layers[0]!.weights[0]!.read()]);
  });

  test('nothing is left behind: tensors, kernels, the backend', async () => {
    const model = spiking.models.spikingformer({
      ...{ inputShape: [8, 8, 3], numClasses: 2, embedDim: 8, depth: 1, numHeads: 1 },
    });
    const { numTensors } = tf.memory();
    const apply = model.layers[1]!.apply;
    await interop.toOnnx(model, { spikes: true });
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(tf.getBackend()).toBe(backend);
    expect(tf.findBackend('onnx-export')).toBeNull();
    expect(tf.getKernelsForBackend('onnx-export')).toEqual([]);
    expect(model.layers[1]!.apply).toBe(apply);
    model.dispose();
  });
});

const qk = { inputShape: [8, 8, 3], numClasses: 2, embedDim: 16, depth: 3, numHeads: 1 };

test("neurons that integrate over the batch need its size: projLifAxis 'released'", async () => {
  const model = spiking.models.qkformer({ ...qk, projLifAxis: 'released' });
  await expect(interop.toOnnx(model)).rejects.toThrow(
    /^Layer stage3_block1\/attn\/proj_lif \(LIFNode\) cannot be exported to ONNX: it goes step by step along an axis that depends on the batch.*set batchSize$/,
  );
  await expectExported(model, { batchSize: 2, spikes: true });
});

class Odd extends tf.layers.Layer {
  static className = 'Odd';
  constructor(private readonly compute: (x: tf.Tensor) => tf.Tensor) {
    super({ inputShape: [3] });
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return this.compute([inputs].flat()[0]!);
  }
}

/** A composite around an odd layer. */
class Around extends CompositeLayer {
  static className = 'Around';
  private readonly inner: tf.layers.Layer;
  constructor(compute: (x: tf.Tensor) => tf.Tensor) {
    super({ inputShape: [3], name: 'around' }, []);
    this.inner = this.own(new Odd(compute));
    (this.inner as { name: string }).name = 'odd';
  }
  protected override buildSublayers(shape: tf.Shape): void {
    this.buildSublayer(this.inner, shape);
  }
  protected override forward(x: tf.Tensor): tf.Tensor {
    return this.inner.apply(x) as tf.Tensor;
  }
}

test.each([
  [
    'a kernel that is not known',
    (x: tf.Tensor) => x.acosh(),
    "there is no ONNX form for tfjs's kernel Acosh",
  ],
  [
    'numbers read in a call',
    (x: tf.Tensor) => x.mul(x.dataSync()[0]!),
    'it reads the numbers of a tensor in its call, which are unknown until it runs',
  ],
  [
    'samples taken together',
    (x: tf.Tensor) => x.sub(x.mean(0)),
    'it takes samples of the batch together: set batchSize',
  ],
  [
    'a slice of the batch',
    (x: tf.Tensor) => x.slice([1], [1]),
    'it slices along the batch: set batchSize',
  ],
])('refused, by the layer: %s', async (_, compute, why) => {
  const model = sequential(new Around(compute));
  await expect(interop.toOnnx(model)).rejects.toThrow(
    `Layer around/odd (Odd) cannot be exported to ONNX: ${why}`,
  );
});

test('constants as large as the batch are made when it is known', () => {
  const beside = (x: tf.Tensor) => tf.concat([x, tf.fill(x.shape, 2)], 1);
  return expectExported(sequential(new Around(beside)));
});

describe('what is refused', () => {
  const dense = () => sequential(tf.layers.dense({ units: 1, inputShape: [2] }));

  test('what is no model, and options that there are not', async () => {
    await expect(interop.toOnnx({} as tf.LayersModel)).rejects.toThrow(
      'model must be a built tf.LayersModel, but got {}',
    );
    await expect(interop.toOnnx(dense(), { opset: 9 } as never)).rejects.toThrow(
      "toOnnx has no option 'opset'; its options are spikes, batchSize",
    );
    await expect(interop.toOnnx(dense(), { batchSize: 0 })).rejects.toThrow(
      'batchSize must be a positive integer, but got 0',
    );
  });

  test('neurons that keep their state', async () => {
    const model = sequential(layers.lifNode({ name: 'lif', stateful: true, inputShape: [2, 3] }));
    await expect(interop.toOnnx(model)).rejects.toThrow(
      "model must be without state, as an ONNX file keeps none between calls, but got 'lif'",
    );
  });

  test('inputs of unknown size', async () => {
    const model = sequential(tf.layers.activation({ activation: 'relu', inputShape: [null, 3] }));
    await expect(interop.toOnnx(model)).rejects.toThrow(
      'model must be a model whose input shapes are known except for the batch, but got [null,null,3]',
    );
  });

  test('weights of 2 GiB', () => {
    expect(() => checkBytes(2 ** 31 - 2 ** 24)).not.toThrow();
    expect(() => checkBytes(2 ** 31)).toThrow(
      'The weights of an ONNX file must be of at most 2130706432 bytes, as one file has less than 2 GiB, but got 2147483648',
    );
  });
});
