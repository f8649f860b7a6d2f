/** A residual connection and the map at its end as one operation, against the two one after the other. */
import * as tf from '@tensorflow/tfjs';
import { layers, models } from 'tfjs-spikingformer';
import { withListener } from '../../layers/spikes';
import { SpikeConv2DAdd } from '../../lib/kernels/spike_conv2d';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

type Make = () => tf.layers.Layer;

/** A branch that keeps its input's shape, and whether its last map may take the sum with it. */
const branches: [name: string, branch: Make, merges: boolean][] = [
  ['linearBN', () => layers.linearBN({ units: 64, useBias: true }), true],
  ['convBN', () => layers.convBN({ filters: 64 }), true],
  ['depthwiseConvBN', () => layers.depthwiseConvBN(), false],
  ['spikingMLP', () => layers.spikingMLP({ hiddenRatio: 1 }), true],
  [
    'a spikingMLP with a shortcut',
    () => layers.spikingMLP({ hiddenRatio: 1, hiddenShortcut: true }),
    false,
  ],
  ['spikingSelfAttention', () => layers.spikingSelfAttention({ numHeads: 4 }), true],
  ['lifNode', () => layers.lifNode(), false],
];

/** Weights that are not where they start, so that the batch norms do something. */
function shake(layer: tf.layers.Layer): void {
  tf.tidy(() =>
    layer.setWeights(
      layer.weights.map((weight, i) => {
        const values = tf.randomNormal(weight.shape as number[], 0.2, 0.4, 'float32', i + 1);
        return weight.name.includes('variance') ? values.abs().add(0.1) : values;
      }),
    ),
  );
}

/** A residual connection around a branch, and that branch. */
function around(make: Make, before: tf.layers.Layer[] = []) {
  const branch = make();
  const sum = layers.residual({ layers: [...before, branch] });
  const x = tf.tidy(() =>
    tf.randomUniform([2, 4, 8, 8, 64], 0, 1, 'float32', 5).less(0.2).cast<tf.Tensor>('float32'),
  );
  tf.tidy(() => void sum.apply(x));
  shake(sum);
  return { branch, sum, x };
}

const kernelsOf = async (run: () => tf.Tensor) =>
  (await tf.profile(() => tf.tidy(run))).kernelNames;

describeEachBackend('a residual connection', () => {
  test.each(branches)('around %s is x plus the branch, bit by bit', async (_, make, merges) => {
    const { branch, sum, x } = around(make);
    const added = (kwargs: object) => sum.apply(x, kwargs) as tf.Tensor;
    for (const training of [false, true]) {
      const weights = branch.getWeights().map((weight) => weight.clone());
      tf.tidy(() => {
        const got = added({ training }).dataSync();
        branch.setWeights(weights); // training moves statistics
        const expected = x.add(branch.apply(x, { training }) as tf.Tensor).dataSync();
        expect(got).toEqual(expected);
      });
      tf.dispose(weights);
    }
    const hasKernel = tf.getKernel(SpikeConv2DAdd, tf.getBackend()) !== undefined;
    const isOne = (await kernelsOf(() => added({}))).includes(SpikeConv2DAdd);
    expect(isOne).toBe(hasKernel && merges);
    await expectNoLeak(() => added({}).dispose());
    sum.dispose();
    x.dispose();
  });

  test('is two operations for a branch, or a map in it, that is watched', async () => {
    const { branch, sum, x } = around(() => layers.spikingMLP({ hiddenRatio: 1 }));
    const runs = () => kernelsOf(() => sum.apply(x) as tf.Tensor);
    for (const watched of [branch, (branch as layers.SpikingMLP).sublayers.at(-1)!]) {
      let calls = 0;
      watched.setCallHook(() => void calls++);
      expect(await runs()).not.toContain(SpikeConv2DAdd);
      expect(calls).toBe(1);
      watched.clearCallHook();
    }
    sum.dispose();
    x.dispose();
  });

  test('has the gradient of both', () => {
    const { branch, sum, x } = around(() => layers.linearBN({ units: 64 }));
    tf.tidy(() => {
      const gradient = (run: (x: tf.Tensor) => tf.Tensor) =>
        tf
          .grad((given) => run(given).square().sum())(x)
          .dataSync();
      const got = gradient((given) => sum.apply(given) as tf.Tensor);
      expect(got).toEqual(gradient((given) => given.add(branch.apply(given) as tf.Tensor)));
    });
    sum.dispose();
    x.dispose();
  });

  test('lets listeners receive what maps take in, once', () => {
    const { sum, x } = around(() => layers.linearBN({ units: 64 }), [layers.lifNode()]);
    const received: string[] = [];
    const listener = {
      input: (layer: tf.layers.Layer) => received.push(`into ${layer.getClassName()}`),
      spikes: (layer: tf.layers.Layer) => received.push(`out of ${layer.getClassName()}`),
    };
    withListener(listener, () => (sum.apply(x) as tf.Tensor).dispose());
    expect(received).toEqual(['out of LIFNode', 'into LinearBN']);
    sum.dispose();
    x.dispose();
  });

  test('takes the sum in a network that is fused for inference, too', async () => {
    const options = { inputShape: [8, 8, 2], numClasses: 3, embedDim: 64, depth: 1, numHeads: 4 };
    const model = models.spikingformer({ ...options, timeSteps: 3 });
    const fused = models.fuseBatchNorm(model);
    const x = tf.randomUniform([2, 8, 8, 2], 0, 1, 'float32', 1);
    const hasKernel = tf.getKernel(SpikeConv2DAdd, tf.getBackend()) !== undefined;
    for (const network of [model, fused]) {
      const runs = await kernelsOf(() => network.predict(x) as tf.Tensor);
      expect(runs.includes(SpikeConv2DAdd)).toBe(hasKernel);
    }
    model.dispose();
    fused.dispose();
    x.dispose();
  });
});
