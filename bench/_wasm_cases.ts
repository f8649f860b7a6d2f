/** What bench/wasm_kernels.ts measures: kernels with inputs of the sizes that networks have. */
import * as tf from '@tensorflow/tfjs';
import { resolveLIF } from '../lib/neuron_params';

type Inputs = Record<string, tf.Tensor>;

export interface Case {
  name: string;
  kernel: string;
  inputs: Inputs;
  attrs: object;
  /** What it is compared to, where that is not the stock or composed kernel of the same name. */
  rival?: { name: string; run: () => tf.Tensor };
}

const normal = (shape: number[], seed = 1) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const spikes = (shape: number[]) =>
  tf.randomUniform(shape, 0, 1, 'float32', 3).less(0.2).cast('float32');

const neuron = resolveLIF();

export function* cases(): Generator<Case> {
  const x = normal([8, 4, 32, 32, 64]);
  const dV = normal([8, 32, 32, 64]);
  yield { name: 'LIF [8,4,32,32,64]', kernel: 'MultiStepLIF', inputs: { x }, attrs: neuron };
  yield {
    name: 'LIF tau 1.75',
    kernel: 'MultiStepLIF',
    inputs: { x },
    attrs: { ...neuron, tau: 1.75 },
  };
  yield {
    name: 'LIF gradient',
    kernel: 'MultiStepLIFGrad',
    inputs: { x, dSpikes: x, dV },
    attrs: neuron,
  };
  yield {
    name: 'LIF gradient, atan',
    kernel: 'MultiStepLIFGrad',
    inputs: { x, dSpikes: x, dV },
    attrs: { ...neuron, surrogate: 'atan', alpha: 2 },
  };
  yield {
    name: 'PLIF gradient',
    kernel: 'MultiStepLIFGrad',
    inputs: { x, dSpikes: x, dV, w: tf.tensor1d([0.3]) },
    attrs: neuron,
  };

  const image = x.reshape([32, 32, 32, 64]) as tf.Tensor4D;
  const channel = { gamma: normal([64]), mean: normal([64]), variance: normal([64]).square() };
  yield {
    name: 'BN [32,32,32,64]',
    kernel: 'BatchNormTraining',
    inputs: { x: image, gamma: channel.gamma, beta: channel.mean },
    attrs: { epsilon: 1e-5 },
  };
  yield {
    name: 'BN gradient',
    kernel: 'BatchNormTrainingGrad',
    inputs: { dy: image, x: image, ...channel },
    attrs: { epsilon: 1e-5 },
  };

  const pool = { poolSize: 3, strides: 2, padding: 1 };
  const dPool = normal([32, 16, 16, 64]);
  yield {
    name: 'max pool [32,32,32,64] 3/2/1',
    kernel: 'FirstMaxPool',
    inputs: { x: image },
    attrs: pool,
  };
  yield {
    name: 'its gradient',
    kernel: 'FirstMaxPoolGrad',
    inputs: { dy: dPool, x: image },
    attrs: pool,
  };
  yield {
    name: 'MaxPoolGrad',
    kernel: 'MaxPoolGrad',
    inputs: { dy: dPool, input: image, output: dPool },
    attrs: { filterSize: 3, strides: 2, pad: 1, dimRoundingMode: 'floor' },
  };

  for (const [batch, side, from, to, size] of [
    [16, 16, 64, 128, 3],
    [64, 32, 64, 64, 3],
    [64, 8, 256, 256, 3],
    [64, 8, 256, 1024, 1],
    [16, 32, 3, 32, 3],
  ] as const) {
    const image = spikes([batch, side, side, from]) as tf.Tensor4D;
    const filter = normal([size, size, from, to]) as tf.Tensor4D;
    const dy = normal([batch, side, side, to]) as tf.Tensor4D;
    const conv = { strides: 1, pad: 'same', dataFormat: 'NHWC', dimRoundingMode: undefined };
    const rival = { name: 'Conv2D', run: () => tf.conv2d(image, filter, 1, 'same') };
    const shape = `[${image.shape}] ${size}x${size} -> ${to}`;
    yield {
      name: `conv2d ${shape}`,
      kernel: 'Conv2D',
      inputs: { x: image, filter },
      attrs: { ...conv, dilations: 1 },
    };
    yield {
      name: `spike conv2d ${shape}, 20 % spikes`,
      kernel: 'SpikeConv2D',
      inputs: { x: image, filter, scale: normal([to]), shift: normal([to]) },
      attrs: {},
    };
    yield {
      name: `filter gradient ${shape}`,
      kernel: 'Conv2DBackpropFilter',
      inputs: { x: image, dy },
      attrs: { ...conv, filterShape: filter.shape },
      rival,
    };
    yield {
      name: `input gradient ${shape}`,
      kernel: 'Conv2DBackpropInput',
      inputs: { dy, filter },
      attrs: { ...conv, inputShape: image.shape },
      rival,
    };
  }

  for (const [batch, side, channels, size] of [
    [64, 16, 96, 7],
    [64, 16, 192, 5],
    [64, 16, 192, 3],
    [64, 8, 384, 3],
    [16, 32, 96, 7],
  ] as const) {
    const image = normal([batch, side, side, channels]) as tf.Tensor4D;
    const filter = normal([size, size, channels, 1]) as tf.Tensor4D;
    const conv = { strides: 1, dilations: 1, pad: 'same' };
    const rival = {
      name: 'DepthwiseConv2dNative',
      run: () => tf.depthwiseConv2d(image, filter, 1, 'same'),
    };
    const shape = `[${image.shape}] ${size}x${size}`;
    yield {
      name: `depthwise conv2d ${shape}`,
      kernel: 'DepthwiseConv2dNative',
      inputs: { x: image, filter },
      attrs: conv,
    };
    yield {
      name: `depthwise filter gradient ${shape}`,
      kernel: 'DepthwiseConv2dNativeBackpropFilter',
      inputs: { x: image, dy: image },
      attrs: { ...conv, filterShape: filter.shape },
      rival,
    };
    yield {
      name: `depthwise input gradient ${shape}`,
      kernel: 'DepthwiseConv2dNativeBackpropInput',
      inputs: { dy: image, filter },
      attrs: { ...conv, inputShape: image.shape },
      rival,
    };
  }

  for (const [a, b, transposeA, transposeB] of [
    [[4096, 256], [256, 1024], false, false],
    [[4096, 256], [1024, 256], false, true],
    [[256, 4096], [256, 1024], true, false],
    [[512, 64, 32], [512, 32, 64], false, false],
    [[512, 64, 32], [512, 64, 32], false, true],
    [[512, 32, 64], [512, 32, 64], true, false],
    [[512, 64, 64], [512, 64, 32], false, false],
    [[512, 64, 64], [512, 64, 32], true, false],
  ] as const) {
    const inputs = { a: normal([...a]), b: normal([...b]) };
    const name = `matMul [${a}]${transposeA ? 'T' : ''} [${b}]${transposeB ? 'T' : ''}`;
    yield { name, kernel: 'BatchMatMul', inputs, attrs: { transposeA, transposeB } };
  }

  const tokens = normal([16, 4, 64, 256]);
  for (const axis of [[0, 1, 2], [3], [1], [0]]) {
    yield {
      name: `sum [${tokens.shape}] over ${axis}`,
      kernel: 'Sum',
      inputs: { x: tokens },
      attrs: { axis, keepDims: false },
    };
  }
  yield {
    name: 'mean over 2',
    kernel: 'Mean',
    inputs: { x: tokens },
    attrs: { axis: [2], keepDims: false },
  };
  for (const [shape, reps] of [
    [
      [16, 1, 32, 32, 64],
      [1, 4, 1, 1, 1],
    ],
    [
      [16, 4, 1, 256],
      [1, 1, 64, 1],
    ],
    [
      [256, 64, 1],
      [1, 1, 64],
    ],
  ] as const) {
    yield {
      name: `tile [${shape}] by ${reps}`,
      kernel: 'Tile',
      inputs: { x: normal([...shape]) },
      attrs: { reps },
    };
  }
  for (const [shape, perm] of [
    [
      [16, 4, 64, 8, 32],
      [0, 1, 3, 2, 4],
    ],
    [
      [512, 64, 32],
      [0, 2, 1],
    ],
    [
      [16, 4, 64, 8, 32],
      [0, 1, 3, 4, 2],
    ],
    [
      [1024, 1024],
      [1, 0],
    ],
  ] as const) {
    yield {
      name: `transpose [${shape}] to ${perm}`,
      kernel: 'Transpose',
      inputs: { x: normal([...shape]) },
      attrs: { perm },
    };
  }
}
