/** Whole networks against the authors' PyTorch code: spikes, logits, loss, gradients, running statistics. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { torchEntries } from '../../models/families';
import { type describeEachBackend, describeFasterBackends } from './backends';
import { buildFast } from './build_fast';
import {
  type ExpectedSpikes,
  expectBuffersClose,
  expectForwardClose,
  expectGradClose,
  expectGradVanishes,
  expectSpikesEqual,
  type Fixture,
  loadFixture,
  modelInputToOurs,
  spikesOf,
  toTensor,
  type Values,
} from './fixtures';

export interface ModelMeta {
  arguments: {
    img_size_h: number;
    img_size_w: number;
    patch_size: number;
    in_channels: number;
    num_classes: number;
    embed_dims: number;
    num_heads: number;
    depths: number;
    T: number;
    mlp_ratios?: number;
    pooling_stat?: string;
    dvs_mode?: boolean;
    kept_side_per_block?: number[];
  };
  tau: number;
  parameters: number;
  modes: Record<'eval' | 'train', { lif: Record<string, { rate: number }> }>;
}

interface TrainMeta {
  /** Biases in front of a batch norm. */
  parameters_with_mathematically_zero_gradient?: string[];
}

/** The network of a fixture, its weights not yet loaded. */
export type Build = (name: string, meta: ModelMeta) => tf.LayersModel;

/** Of layers whose spikes are too many for a fixture. */
function expectRate(spikes: tf.Tensor, rate: number, what: string): void {
  const [mean] = tf.tidy(() => spikes.mean().dataSync());
  if (Math.abs(mean! - rate) > 1e-6)
    throw new Error(`${what} must fire at ${rate}, but does at ${mean}`);
}

/** Recorded logits, of every time step if there are such. */
function logitsOf(io: Fixture<ModelMeta>, mode: string): Values {
  const logits = io.values(`${mode}.logits`);
  return logits.shape.length === 3 ? io.activation(`${mode}.logits`) : logits;
}

/** Mean cross-entropy of logits, as the fixtures' loss. */
function crossEntropy(logits: tf.Tensor, target: tf.Tensor1D): tf.Scalar {
  const labels = tf.oneHot(target.toInt(), logits.shape[1]!);
  return tf.losses.softmaxCrossEntropy(labels, logits).asScalar();
}

/** Of logits `[batch, classes]`, or `[batch, time, classes]` if the network answers at each time step. */
export type Loss = (logits: tf.Tensor, target: tf.Tensor1D) => tf.Scalar;

export interface ParityOptions {
  /** Default: the mean cross-entropy. */
  loss?: Loss;
  /** A neuron layer of the authors' that the network does not have of its own. */
  without?: string;
  /** How the fixture's spikes become ours. Default: `spikesOf`. */
  expectedSpikes?: ExpectedSpikes;
  /** Default: not on the plain cpu, on which the families' layers are compared. */
  describeBackends?: typeof describeEachBackend;
}

/** Every fixture of these names on each of the backends. */
export function describeModelParity(
  fixtures: readonly string[],
  build: Build,
  {
    loss = crossEntropy,
    without,
    expectedSpikes = spikesOf,
    describeBackends = describeFasterBackends,
  }: ParityOptions = {},
): void {
  describeBackends('a network as the authors wrote it', () =>
    describe.each(fixtures)('%s', (name) => {
      const io = loadFixture<ModelMeta>(`models/${name}.io`);
      const train = loadFixture<TrainMeta>(`models/${name}.train`);
      const { parameters_with_mathematically_zero_gradient: idle } = train.meta;
      const lifNames = Object.keys(io.meta.modes.eval.lif).filter((lif) => lif !== without);
      const { tensors: state } = loadFixture(`models/${name}.state`);
      let model: tf.LayersModel;
      let x: tf.Tensor;
      let target: tf.Tensor1D;

      beforeAll(() => {
        model = buildFast(() => build(name, io.meta));
      });
      afterAll(() => model.dispose());
      beforeEach(() => {
        spiking.interop.loadTorchStateDict(model, state);
        x = toTensor(modelInputToOurs(io.values('x')));
        target = toTensor(io.values('target')) as tf.Tensor1D;
      });
      afterEach(() => tf.dispose([x, target]));

      test('has as many parameters', () => {
        const { withUnusedLayerNorms } = spiking.models.countParameters(model);
        expect(withUnusedLayerNorms).toBe(io.meta.parameters);
      });

      test.each([
        ['eval', false],
        ['train', true],
      ] as const)('fires and answers alike in %s mode', (mode, training) => {
        const spikes = [...spiking.observe(model, x, { training })];
        expect(spikes).toHaveLength(lifNames.length);
        spikes.forEach(([path, s], i) => {
          const lif = `${mode}.lif.${lifNames[i]}`;
          const expected = io.has(lif) && expectedSpikes(io, lif, io.meta.arguments.T, s.shape);
          if (expected) expectSpikesEqual(s, expected, `${path} (${lif})`);
          else expectRate(s, io.meta.modes[mode].lif[lifNames[i]!]!.rate, `${path} (${lif})`);
          s.dispose();
        });
        tf.tidy(() => {
          const logits = model.apply(x, { training }) as tf.Tensor;
          expectForwardClose(logits, logitsOf(io, mode), `${mode} logits`);
          expectForwardClose(loss(logits, target), io.values(`${mode}.loss`), 'loss');
        });
      });

      test('fires and answers alike for inference, its batch norms fused', () => {
        const fused = spiking.models.fuseBatchNorm(model);
        const spikes = [...spiking.observe(fused, x)];
        expect(spikes).toHaveLength(lifNames.length);
        spikes.forEach(([path, s], i) => {
          const lif = `eval.lif.${lifNames[i]}`;
          const expected = io.has(lif) && expectedSpikes(io, lif, io.meta.arguments.T, s.shape);
          if (expected) expectSpikesEqual(s, expected, `fused ${path}`);
          s.dispose();
        });
        tf.tidy(() => {
          expectForwardClose(fused.predict(x) as tf.Tensor, logitsOf(io, 'eval'), 'fused logits');
        });
        fused.dispose();
      });

      test('learns alike: gradients, its input too, and running statistics of one training step', () => {
        const parameters = new Map(torchVariables(model));
        const input = tf.variable(x);
        tf.tidy(() => {
          const { grads } = tf.variableGrads(
            () => loss(model.apply(input, { training: true }) as tf.Tensor, target),
            [...parameters.values(), ...(train.has('grad_input') ? [input] : [])],
          );
          if (train.has('grad_input')) {
            const expected = modelInputToOurs(train.values('grad_input'));
            expectGradClose(grads[input.name]!, expected, 'gradient of the input');
          }
          for (const [key, variable] of parameters) {
            if (!train.has(`grad.${key}`)) continue;
            const what = `gradient of ${key}`;
            const gradient = grads[variable.name]!;
            const kernel = `grad.${key.replace(/bias$/, 'weight')}`;
            // The batch norm after it takes the bias out: the reference's gradient is rounding noise.
            const vanishes = idle ? idle.includes(key) : /(conv\d*|linear)\.bias$/.test(key);
            if (vanishes && train.has(kernel)) {
              expectGradVanishes(gradient, train.weight(kernel), what);
            } else expectGradClose(gradient, train.weight(`grad.${key}`), what);
          }
          const after = spiking.interop.toTorchStateDict(model);
          for (const key of train.names('buffer.')) {
            if (key.endsWith('num_batches_tracked')) continue;
            const { shape, data } = after[key]!;
            const values = { shape, data: data as Float32Array };
            expectBuffersClose(values, train.values(`buffer.${key}`), key);
          }
        });
        input.dispose();
      });
    }),
  );
}

/** The authors' key and our variable of each trainable weight. */
function torchVariables(model: tf.LayersModel): [string, tf.Variable][] {
  return torchEntries(model)
    .filter(({ variable, key }) => variable && !key.includes('running_'))
    .map(({ key, variable }) => [key, variable!.read() as tf.Variable]);
}
