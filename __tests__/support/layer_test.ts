/** What every layer must do, whatever it computes: one case a layer, and the tools to look at it. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';

type LayerOptions = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

export interface LayerCase {
  /** Of the class, under which saved models know it. */
  className: string;
  /** What tells two cases of one class apart. */
  variant?: string;
  make(options?: LayerOptions): tf.layers.Layer;
  /** Without the batch. */
  inputShape: number[];
  outputShape: number[];
  /** Names inside the layer, trainable ones first: what checkpoints rely on. */
  trainable: string[];
  frozen: string[];
  /** Trainable weights whose gradient is zero, always: a bias in front of a batch norm. */
  idle?: string[];
  /** Whether sizes beside the channels are the shape of a weight, so that no shape stays open. */
  sized?: boolean;
  /** An input with which the built layer throws, batch included; none where it takes anything. */
  badInput?: number[];
  /** The input is ids from 0 to below this, which have no gradient. */
  ids?: number;
}

const { layers } = spiking;

const bnTrainable = (path: string) => [`${path}bn/gamma`, `${path}bn/beta`];
const bnFrozen = (path: string) => [`${path}bn/moving_mean`, `${path}bn/moving_variance`];
const convTrainable = (path: string) => [`${path}kernel`, ...bnTrainable(path)];
const linearTrainable = (path: string) => [`${path}kernel`, `${path}bias`, ...bnTrainable(path)];

const attention = (path: string) => ({
  trainable: [
    ...['q/', 'k/', 'v/'].flatMap((branch) => convTrainable(path + branch)),
    ...linearTrainable(`${path}proj/`),
  ],
  frozen: ['q/', 'k/', 'v/', 'proj/'].flatMap((branch) => bnFrozen(path + branch)),
  idle: [`${path}proj/bias`],
});
const mlp = (path: string) => ({
  trainable: ['fc1/', 'fc2/'].flatMap((fc) => linearTrainable(path + fc)),
  frozen: ['fc1/', 'fc2/'].flatMap((fc) => bnFrozen(path + fc)),
  idle: [`${path}fc1/bias`, `${path}fc2/bias`],
});
/** Spikformer's linear maps: q, k and v have a bias too. */
const linearAttention = (path: string) => ({
  trainable: ['q/', 'k/', 'v/', 'proj/'].flatMap((map) => linearTrainable(path + map)),
  frozen: attention(path).frozen,
  idle: ['q/', 'k/', 'v/', 'proj/'].map((map) => `${path}${map}bias`),
});
/** SGLFormer's maps, none with a bias, by their paths. */
const sglFormerLocal = ['conv/', 'fc1/', 'hidden_conv/', 'fc2/'];
const sglFormerAttention = ['q/', 'k/', 'v/', 'proj/'];
const sglFormerUnit = [
  ...sglFormerLocal.map((map) => `local/${map}`),
  ...[1, 2].flatMap((n) => [
    ...sglFormerAttention.map((map) => `attn${n}/${map}`),
    ...[`mlp${n}/fc1/`, `mlp${n}/fc2/`],
  ]),
];
const sglFormerStages = [1, 2, 3, 4, 5].map((n) => `stage${n}/conv_bn/`);
const withoutBias = (maps: string[]) => ({
  trainable: maps.flatMap(convTrainable),
  frozen: maps.flatMap(bnFrozen),
});
/** Linear maps with layer norms, whose biases do move something. */
const linearLN = (path: string) => ['kernel', 'bias', 'ln/gamma', 'ln/beta'].map((w) => path + w);
/** SpikeCLIP's maps of text, without biases. */
const textMaps = ['attn/q/', 'attn/k/', 'attn/v/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'];
const stages = [
  'stage1/conv_bn/',
  'stage2/conv_bn/',
  'stage3/conv_bn/',
  'stage4/conv_bn/',
  'proj/',
];
/** An embedding's, with that many stages before its last. */
const embed = (count: number) => {
  const before = ['stage1/conv_bn/', 'stage2/conv_bn/'].slice(0, count);
  const paths = [...before, 'proj/', 'shortcut/'];
  return { trainable: paths.flatMap(convTrainable), frozen: paths.flatMap(bnFrozen) };
};
const spikformerStages = [...stages.slice(0, -1), 'rpe/conv_bn/'];
const tokenizer = { trainable: stages.flatMap(convTrainable), frozen: stages.flatMap(bnFrozen) };
const spikeDrivenStages = [...stages.slice(0, 3), 'conv_bn/', 'rpe/'];
const spikeDrivenTokenizer = {
  trainable: spikeDrivenStages.flatMap(convTrainable),
  frozen: spikeDrivenStages.flatMap(bnFrozen),
};

/** Neuron options, none of them the default. */
export const oddNeuron = {
  vThreshold: 0.5,
  vReset: -0.25,
  detachReset: false,
  surrogate: 'piecewiseQuadratic',
  alpha: 0.5,
} as const;
export const oddLIF = { ...oddNeuron, decayInput: false, tau: 1.5 } as const;

/** Every exported layer at least once, in small. */
export const layerCases: LayerCase[] = [
  {
    className: 'BatchNormOverTime',
    make: (options) => layers.batchNormOverTime({ epsilon: 1e-3, momentum: 0.5, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['gamma', 'beta'],
    frozen: ['moving_mean', 'moving_variance'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'CMLDownsample',
    make: (options) => layers.cmlDownsample({ filters: 3, vThreshold: 0.3, ...options }),
    inputShape: [2, 5, 4, 2],
    outputShape: [2, 3, 2, 3],
    trainable: convTrainable('conv_bn/'),
    frozen: bnFrozen('conv_bn/'),
    badInput: [2, 2, 5, 4, 3],
  },
  {
    className: 'CMLDownsample',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.cmlDownsample({
        filters: 3,
        kernelSize: 1,
        poolSize: 2,
        poolStrides: 1,
        order: 'conv-bn-lif-pool',
        timeSteps: 3,
        initStd: 0.5,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 4, 2],
    outputShape: [3, 3, 3, 3],
    trainable: convTrainable('conv_bn/'),
    frozen: bnFrozen('conv_bn/'),
    badInput: [2, 4, 4, 5],
  },
  {
    className: 'Chain',
    make: (options) =>
      layers.chain({
        layers: [
          layers.lifNode({ name: 'lif', vThreshold: 0.3 }),
          layers.linearBN({ name: 'map', units: 3, useBias: true }),
          tf.layers.activation({ name: 'relu', activation: 'relu' }),
        ],
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearTrainable('map/'),
    frozen: bnFrozen('map/'),
    idle: ['map/bias'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'QKAttention',
    make: (options) =>
      layers.qkAttention({ numHeads: 2, attnVThreshold: 0.4, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...convTrainable('q/'), ...convTrainable('k/'), ...linearTrainable('proj/')],
    frozen: [...bnFrozen('q/'), ...bnFrozen('k/'), ...bnFrozen('proj/')],
    idle: ['proj/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'QKAttention',
    variant: 'preActivation',
    make: (options) =>
      layers.qkAttention({ numHeads: 2, preActivation: true, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...convTrainable('q/'), ...convTrainable('k/'), ...linearTrainable('proj/')],
    frozen: [...bnFrozen('q/'), ...bnFrozen('k/'), ...bnFrozen('proj/')],
    idle: ['proj/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'MaxFormerBlock',
    make: (options) =>
      layers.maxFormerBlock({ kernelSize: 5, mlpRatio: 1, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 3, 4],
    outputShape: [2, 3, 3, 4],
    trainable: ['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    frozen: ['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    idle: ['mixer/conv/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 3, 6],
  },
  {
    className: 'MaxFormerBlock',
    variant: 'attention and a depthwise convolution',
    make: (options) =>
      layers.maxFormerBlock({
        ...{ numHeads: 2, kernelSize: 3, mlpRatio: 2, scale: 1, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 3, 3, 4],
    outputShape: [2, 3, 3, 4],
    trainable: [
      ...attention('mixer/attn/').trainable,
      ...['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: [
      ...attention('mixer/attn/').frozen,
      ...['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    ],
    idle: ['mixer/attn/proj/bias', 'mixer/conv/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 3, 6],
  },
  {
    className: 'MaxFormerBlock',
    variant: 'an MLP alone',
    make: (options) => layers.maxFormerBlock({ mlpRatio: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp('mlp/'),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'MaxFormerEmbed',
    make: (options) =>
      layers.maxFormerEmbed({
        stages: [
          { filters: 2, downsample: 'pool' },
          { filters: 4, downsample: 'none' },
        ],
        shortcutDownsample: 'pool',
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 2, 2, 4],
    ...embed(1),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxFormerEmbed',
    variant: 'of an image',
    make: (options) =>
      layers.maxFormerEmbed({
        stages: [
          { filters: 2, downsample: 'stride' },
          { filters: 3, downsample: 'stride' },
          { filters: 4, downsample: 'none' },
        ],
        ...{ shortcutFrom: 1, timeSteps: 2, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [5, 4, 3],
    outputShape: [2, 2, 1, 4],
    ...embed(2),
    badInput: [2, 5, 4, 5],
  },
  {
    className: 'MaxResNetBlock',
    make: (options) => layers.maxResNetBlock({ filters: 3, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 3],
    trainable: ['conv1/', 'conv2/'].flatMap(convTrainable),
    frozen: ['conv1/', 'conv2/'].flatMap(bnFrozen),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxResNetBlock',
    variant: 'that pools',
    make: (options) =>
      layers.maxResNetBlock({ filters: 4, pool: true, vThreshold: 0.3, ...options }),
    inputShape: [2, 5, 4, 3],
    outputShape: [2, 3, 2, 4],
    trainable: ['conv1/', 'conv2/', 'shortcut/'].flatMap(convTrainable),
    frozen: ['conv1/', 'conv2/', 'shortcut/'].flatMap(bnFrozen),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxResNetStem',
    make: (options) => layers.maxResNetStem({ filters: 4, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 4],
    trainable: convTrainable('conv_bn/'),
    frozen: bnFrozen('conv_bn/'),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxResNetStem',
    variant: 'of an image',
    make: (options) => layers.maxResNetStem({ filters: 4, timeSteps: 2, ...options }),
    inputShape: [4, 3, 3],
    outputShape: [2, 4, 3, 4],
    trainable: convTrainable('conv_bn/'),
    frozen: bnFrozen('conv_bn/'),
    badInput: [2, 4, 3, 5],
  },
  {
    className: 'MSQKFormerBlock',
    make: (options) =>
      layers.msqkFormerBlock({ numHeads: 2, mlpRatio: 0.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['attn/q/', 'attn/k/'].flatMap(convTrainable),
      ...['attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: ['attn/q/', 'attn/k/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    idle: ['attn/proj/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'MSQKFormerBlock',
    variant: 'full',
    make: (options) =>
      layers.msqkFormerBlock({
        ...{ numHeads: 2, mlpRatio: 1, attention: 'full', scale: 1, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: ['attn/proj/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'MSQKFormerEmbed',
    make: (options) =>
      layers.msqkFormerEmbed({
        stages: [
          { filters: 2, downsample: 'none' },
          { filters: 3, downsample: 'pool' },
          { filters: 4, downsample: 'pool' },
        ],
        ...{ shortcutFrom: 1, encodes: true, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 5, 4, 3],
    outputShape: [2, 2, 1, 4],
    ...embed(2),
    badInput: [2, 2, 5, 4, 5],
  },
  {
    className: 'QKFormerBlock',
    make: (options) =>
      layers.qkFormerBlock({
        numHeads: 2,
        mlpRatio: 0.5,
        attention: 'full',
        scale: 1,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['q/', 'k/', 'v/'].flatMap((map) => convTrainable(`attn/${map}`)),
      ...['attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: ['attn/q/', 'attn/k/', 'attn/v/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(
      bnFrozen,
    ),
    idle: ['attn/proj/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'Speds',
    make: (options) =>
      layers.speds({
        stages: [
          { filters: 2, pool: false },
          { filters: 4, pool: true },
        ],
        shortcutFrom: 1,
        timeSteps: 2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [4, 4, 3],
    outputShape: [2, 2, 2, 4],
    trainable: [
      ...convTrainable('stage1/conv_bn/'),
      ...convTrainable('stage2/conv_bn/'),
      ...convTrainable('shortcut/'),
    ],
    frozen: [
      ...bnFrozen('stage1/conv_bn/'),
      ...bnFrozen('stage2/conv_bn/'),
      ...bnFrozen('shortcut/'),
    ],
    badInput: [2, 4, 4, 5],
  },
  {
    className: 'SGLFormerGlobalBlock',
    make: (options) =>
      layers.sglFormerGlobalBlock({
        numHeads: 2,
        mlpRatio: 0.5,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...attention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SGLFormerLocalBlock',
    make: (options) =>
      layers.sglFormerLocalBlock({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 2, 4],
    outputShape: [2, 3, 2, 4],
    ...withoutBias(sglFormerLocal),
    badInput: [2, 2, 3, 2, 5],
  },
  {
    className: 'SGLFormerReadout',
    make: (options) => layers.sglFormerReadout(options),
    inputShape: [2, 2, 3, 4],
    outputShape: [4],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    sized: true,
    badInput: [2, 2, 2, 3, 5],
  },
  {
    className: 'SGLFormerSelfAttention',
    make: (options) =>
      layers.sglFormerSelfAttention({
        numHeads: 2,
        reach: 'local',
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 4, 3, 4],
    outputShape: [2, 4, 3, 4],
    ...withoutBias(sglFormerAttention),
    badInput: [2, 2, 4, 3, 6],
  },
  {
    className: 'SGLFormerTokenizer',
    make: (options) =>
      layers.sglFormerTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...withoutBias(sglFormerStages),
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SGLFormerTokenizer',
    variant: 'of an image, pooling early',
    make: (options) =>
      layers.sglFormerTokenizer({
        embedDim: 8,
        stemRatio: 4,
        patchSize: 4,
        pooling: 'early',
        timeSteps: 2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...withoutBias(sglFormerStages),
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SGLFormerUnit',
    make: (options) =>
      layers.sglFormerUnit({
        numHeads: 2,
        mlpRatio: 2,
        globals: 1,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...withoutBias(sglFormerUnit),
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'Residual',
    make: (options) =>
      layers.residual({
        layers: [
          layers.linearBN({ name: 'map', units: 4 }),
          layers.lifNode({ name: 'lif', vThreshold: 0.3 }),
        ],
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: convTrainable('map/'),
    frozen: bnFrozen('map/'),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'ConvBN',
    make: (options) =>
      layers.convBN({ filters: 3, strides: 2, useBias: true, initStd: 0.5, ...options }),
    inputShape: [2, 5, 4, 2],
    outputShape: [2, 3, 2, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 5, 4, 3],
  },
  {
    className: 'DepthwiseConvBN',
    make: (options) => layers.depthwiseConvBN({ kernelSize: 5, useBias: true, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 4, 3, 4],
  },
  {
    className: 'DirectEncoding',
    make: (options) => layers.directEncoding({ timeSteps: 3, ...options }),
    inputShape: [4, 2],
    outputShape: [3, 4, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'FoldTime',
    variant: 'of conv2d',
    make: (options) =>
      layers.foldTime({
        layer: tf.layers.conv2d({ name: 'inner', filters: 3, kernelSize: 3 }),
        ...options,
      }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 3],
    trainable: ['inner/kernel', 'inner/bias'],
    frozen: [],
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'FoldTime',
    variant: 'of batchNormalization',
    make: (options) =>
      layers.foldTime({ layer: tf.layers.batchNormalization({ name: 'inner' }), ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['inner/gamma', 'inner/beta'],
    frozen: ['inner/moving_mean', 'inner/moving_variance'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'IFNode',
    make: (options) => layers.ifNode({ ...oddNeuron, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'LatencyEncoder',
    make: (options) => layers.latencyEncoder({ timeSteps: 4, ...options }),
    inputShape: [3, 2],
    outputShape: [4, 3, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'LayerNorm',
    make: (options) => layers.layerNorm({ epsilon: 1e-3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['gamma', 'beta'],
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'LIFNode',
    make: (options) => layers.lifNode({ ...oddLIF, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'LIFNode',
    variant: 'with soft reset',
    make: (options) => layers.lifNode({ vReset: null, ...options }),
    inputShape: [3, 2, 2],
    outputShape: [3, 2, 2],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'LinearBN',
    make: (options) => layers.linearBN({ units: 3, useBias: true, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'LinearLN',
    make: (options) => layers.linearLN({ units: 3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearLN(''),
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'ParametricLIFNode',
    make: (options) =>
      layers.parametricLIFNode({ ...oddNeuron, decayInput: false, initTau: 3, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: ['w'],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'PoissonEncoder',
    make: (options) => layers.poissonEncoder({ timeSteps: 4, seed: 3, ...options }),
    inputShape: [3, 2],
    outputShape: [4, 3, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'RateReadout',
    make: (options) => layers.rateReadout(options),
    inputShape: [2, 2, 2, 3],
    outputShape: [3],
    trainable: [],
    frozen: [],
  },
  {
    className: 'SpikeBertBlock',
    make: (options) =>
      layers.spikeBertBlock({
        numHeads: 2,
        mlpRatio: 1.5,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        scale: 0.5,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['q/', 'k/', 'v/', 'proj/'].flatMap((map) => linearLN(`attn/${map}`)),
      ...['fc1/', 'fc2/'].flatMap((map) => linearLN(`mlp/${map}`)),
    ],
    frozen: [],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeBertMLP',
    make: (options) => layers.spikeBertMLP({ hiddenRatio: 1.5, ...oddLIF, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['fc1/', 'fc2/'].flatMap(linearLN),
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikeBertSelfAttention',
    make: (options) =>
      layers.spikeBertSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['q/', 'k/', 'v/', 'proj/'].flatMap(linearLN),
    frozen: [],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeBertTransform',
    make: (options) => layers.spikeBertTransform(options),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: linearLN('map/'),
    frozen: [],
    idle: linearLN('map/'),
  },
  {
    className: 'SpikeClipBlock',
    make: (options) =>
      layers.spikeClipBlock({ numHeads: 2, mlpRatio: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...attention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikeClipTextBlock',
    make: (options) =>
      layers.spikeClipTextBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        normLayout: 'released',
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: textMaps.flatMap(convTrainable),
    frozen: textMaps.flatMap(bnFrozen),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeClipTextEncoder',
    make: (options) =>
      layers.spikeClipTextEncoder({
        outputDim: 3,
        mlpRatio: 1.5,
        timeSteps: 2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [3, 4],
    outputShape: [3],
    trainable: [
      'time_sum/time_weights',
      ...['fc1', 'fc2'].flatMap((fc) => [`${fc}/linear/kernel`, `${fc}/linear/bias`]),
    ],
    frozen: [],
    badInput: [2, 3, 5],
    sized: true,
  },
  {
    className: 'SpikeClipTokenizer',
    make: (options) =>
      layers.spikeClipTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...tokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'TimeWeightedSum',
    make: (options) => layers.timeWeightedSum(options),
    inputShape: [3, 4],
    outputShape: [4],
    trainable: ['time_weights'],
    frozen: [],
    badInput: [2, 2, 4],
    sized: true,
  },
  {
    className: 'TokenEmbedding',
    make: (options) =>
      layers.tokenEmbedding({ vocabSize: 5, embedDim: 3, timeSteps: 2, alpha: 0.5, ...options }),
    inputShape: [4],
    outputShape: [2, 4, 3],
    trainable: ['embeddings'],
    frozen: [],
    badInput: [2, 4, 1],
    ids: 5,
  },
  {
    className: 'TokenEmbedding',
    variant: 'with positions and padding',
    make: (options) =>
      layers.tokenEmbedding({
        ...{ vocabSize: 9, embedDim: 3, timeSteps: 1, positions: true, padId: 8 },
        ...{ surrogate: 'sigmoid', ...options },
      }),
    inputShape: [4],
    outputShape: [1, 4, 3],
    trainable: ['embeddings', 'positions'],
    frozen: [],
    badInput: [2, 5],
    ids: 8,
  },
  {
    className: 'TokenEmbedding',
    variant: 'in time',
    make: (options) =>
      layers.tokenEmbedding({
        ...{ vocabSize: 5, embedDim: 3, timeSteps: 2, inTime: true, ...options },
      }),
    inputShape: [4],
    outputShape: [8, 1, 3],
    trainable: ['embeddings'],
    frozen: [],
    badInput: [2, 4, 1],
    ids: 5,
  },
  {
    className: 'TokenMean',
    make: (options) => layers.tokenMean(options),
    inputShape: [2, 2, 2, 3],
    outputShape: [2, 3],
    trainable: [],
    frozen: [],
  },
  {
    className: 'SpikeDrivenAttention',
    make: (options) =>
      layers.spikeDrivenAttention({
        numHeads: 2,
        attnVThreshold: 0.2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...attention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeDrivenAttention',
    variant: 'of spread spikes',
    make: (options) =>
      layers.spikeDrivenAttention({ numHeads: 2, dvsMode: true, vThreshold: 0.7, ...options }),
    inputShape: [2, 3, 2, 4],
    outputShape: [2, 3, 2, 4],
    ...attention(''),
    badInput: [2, 2, 6, 4],
  },
  {
    className: 'SpikeDrivenBlock',
    make: (options) =>
      layers.spikeDrivenBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...attention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikeDrivenBlock',
    variant: 'that keeps some tokens',
    make: (options) =>
      layers.spikeDrivenBlock({
        numHeads: 2,
        mlpRatio: 1,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        keepTokens: 3,
        scoreWindow: 5,
        ...options,
      }),
    inputShape: [2, 2, 3, 4],
    outputShape: [2, 2, 3, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...attention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 1, 2, 4],
  },
  {
    className: 'SpikeDrivenMLP',
    make: (options) => layers.spikeDrivenMLP({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikeDrivenMLP',
    variant: 'with a shortcut around each half',
    make: (options) => layers.spikeDrivenMLP({ hiddenRatio: 1, vThreshold: 0.3, ...options }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...mlp(''),
    badInput: [2, 2, 2, 2, 5],
  },
  {
    className: 'SpikeDrivenTokenizer',
    make: (options) =>
      layers.spikeDrivenTokenizer({
        embedDim: 8,
        poolingStat: '0100',
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...spikeDrivenTokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikeDrivenTokenizer',
    variant: 'of an image',
    make: (options) =>
      layers.spikeDrivenTokenizer({
        embedDim: 8,
        poolingStat: '0011',
        timeSteps: 2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...spikeDrivenTokenizer,
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikformerBlock',
    make: (options) =>
      layers.spikformerBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    trainable: [...linearAttention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...linearAttention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...linearAttention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikformerMLP',
    make: (options) =>
      layers.spikformerMLP({
        hiddenRatio: 1.5,
        vThreshold: 0.3,
        projection: 'conv',
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikformerSelfAttention',
    make: (options) =>
      layers.spikformerSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...linearAttention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikformerSelfAttention',
    variant: 'of convolutions',
    make: (options) =>
      layers.spikformerSelfAttention({
        numHeads: 2,
        projection: 'conv',
        attnVThreshold: 0.2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...attention(''),
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikformerTokenizer',
    make: (options) =>
      layers.spikformerTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    trainable: spikformerStages.flatMap(convTrainable),
    frozen: spikformerStages.flatMap(bnFrozen),
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikformerTokenizer',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.spikformerTokenizer({
        embedDim: 8,
        patchSize: 4,
        timeSteps: 2,
        order: 'conv-bn-lif-pool',
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    trainable: spikformerStages.flatMap(convTrainable),
    frozen: spikformerStages.flatMap(bnFrozen),
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikingMLP',
    make: (options) => layers.spikingMLP({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikingSelfAttention',
    make: (options) =>
      layers.spikingSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...attention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikingTokenizer',
    make: (options) =>
      layers.spikingTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...tokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikingTokenizer',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.spikingTokenizer({
        embedDim: 8,
        patchSize: 4,
        timeSteps: 2,
        order: 'conv-bn-lif-pool',
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...tokenizer,
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikingformerBlock',
    make: (options) =>
      layers.spikingformerBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    trainable: [...attention('attn/').trainable, ...mlp('mlp/').trainable],
    frozen: [...attention('attn/').frozen, ...mlp('mlp/').frozen],
    idle: [...attention('attn/').idle, ...mlp('mlp/').idle],
    badInput: [2, 2, 2, 2, 6],
  },
];

export const titled = layerCases.map((layerCase) => {
  const { className, variant } = layerCase;
  return [variant ? `${className} ${variant}` : className, layerCase] as const;
});

/** How many numbers a sample is. */
const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

/** Random numbers around the thresholds; the same at every call. */
export function sampleInput({ inputShape, ids }: LayerCase, batch = 2, seed = 11): tf.Tensor {
  if (ids) return tf.randomUniform([batch, ...inputShape], 0, ids, 'int32', seed);
  return tf.randomUniform([batch, ...inputShape], -1, 3, 'float32', seed);
}

export const sampleTarget = (batch = 2) => tf.ones([batch, 2]);

/** Gives every weight numbers of its own, the same in every run, with which all of the layer is alive. */
export function seedWeights(layer: tf.layers.Layer): void {
  tf.tidy(() => {
    const values = layer.weights.map(({ originalName, shape }, i) => {
      const random = (mean: number, deviation: number) =>
        tf.randomNormal(shape as number[], mean, deviation, 'float32', i + 1);
      if (originalName.endsWith('variance')) return random(1, 0.1).abs();
      if (originalName.endsWith('gamma')) return random(1.5, 0.2);
      return originalName.endsWith('beta') ? random(0.5, 0.3) : random(0, 0.5);
    });
    layer.setWeights(values);
  });
}

/** The layer as the first of a stock model that ends in two outputs. */
export function modelWith(layer: tf.layers.Layer, { outputShape }: LayerCase): tf.Sequential {
  const size = sizeOf(outputShape);
  const model = tf.sequential({
    layers: [
      layer,
      tf.layers.reshape({ targetShape: [size] }),
      tf.layers.dense({ units: 2, name: 'head' }),
    ],
  });
  if (layer.weights.length > 0) seedWeights(layer);
  return compiled(model);
}

/** Compiled anew, as freezing asks for. */
export function compiled<T extends tf.LayersModel>(model: T): T {
  model.compile({ optimizer: tf.train.sgd(0.5), loss: 'meanSquaredError' });
  return model;
}

/** A weight's name inside its layer, which alone differs between two models that are built alike. */
export function nameInside(layer: tf.layers.Layer, weight: tf.LayerVariable): string {
  const start = `${layer.name}/`;
  expect(weight.originalName.startsWith(start)).toBe(true);
  return weight.originalName.slice(start.length);
}

/** Weights' numbers by their names inside the layer. */
export function weightValues(layer: tf.layers.Layer): Map<string, number[]> {
  return new Map(
    layer.weights.map((weight) => [
      nameInside(layer, weight),
      Array.from(weight.read().dataSync()),
    ]),
  );
}

/** Names of the weights whose numbers differ. */
export function changed(before: Map<string, number[]>, after: Map<string, number[]>): string[] {
  return [...after]
    .filter(([name, x]) => x.join() !== before.get(name)!.join())
    .map(([name]) => name);
}

/** Numbers of a prediction. */
export function predict(model: tf.LayersModel, x: tf.Tensor | tf.Tensor[]): number[] {
  return tf.tidy(() => Array.from((model.predict(x) as tf.Tensor).dataSync()));
}

/** What `model.save` hands to its handler, after the way through JSON that a file would take. */
export async function savedArtifacts(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  return { ...saved!, modelTopology: JSON.parse(JSON.stringify(saved!.modelTopology)) };
}

export async function savedAndLoaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  return tf.loadLayersModel(tf.io.fromMemory(await savedArtifacts(model)));
}
