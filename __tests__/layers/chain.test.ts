/** A map and the neuron behind it as one operation, against the two layers one after the other. */
import * as tf from '@tensorflow/tfjs';
import { layers } from 'tfjs-spikingformer';
import { runChain } from '../../layers/chain';
import { withListener } from '../../layers/spikes';
import { SpikeConv2DLIF } from '../../lib/kernels/spike_conv_lif';
import { describeEachBackend } from '../support/backends';
import { expectBuffersClose, expectGradClose, expectSpikesEqual } from '../support/compare';
import { expectNoLeak } from '../support/leaks';

type Options = { stateful?: boolean; useBias?: boolean; detachReset?: boolean };

const maps = {
  LinearBN: {
    make: (useBias: boolean) => layers.linearBN({ units: 33, useBias }),
    shape: [3, 4, 5, 7],
  },
  ConvBN: {
    make: (useBias: boolean) => layers.convBN({ filters: 9, strides: 2, useBias }),
    shape: [2, 3, 5, 4, 6],
  },
};

/** One of two equal pairs. */
function pair(kind: keyof typeof maps, { stateful, useBias = false, detachReset }: Options = {}) {
  const { make, shape } = maps[kind];
  const map = make(useBias);
  const lif = layers.lifNode({ stateful, detachReset });
  const x = tf.tidy(() => tf.randomUniform(shape, 0, 1, 'float32', 7).greater(0.6).cast('float32'));
  tf.tidy(() => void lif.apply(map.apply(x))); // builds both
  if (stateful) lif.resetStates();
  tf.tidy(() =>
    map.setWeights(
      map.weights.map((weight, i) => {
        const values = tf.randomNormal(weight.shape as number[], 0.5, 0.5, 'float32', i + 1);
        return weight.name.includes('variance') ? values.abs().add(0.1) : values;
      }),
    ),
  );
  return { map, lif, x };
}

describeEachBackend('a map and the neuron behind it', () => {
  const cases: [keyof typeof maps, Options, { training: boolean }][] = [
    ['LinearBN', {}, { training: true }],
    ['LinearBN', { useBias: true, detachReset: false }, { training: true }],
    ['LinearBN', {}, { training: false }],
    ['LinearBN', { stateful: true }, { training: true }],
    ['ConvBN', {}, { training: true }],
    ['ConvBN', { useBias: true }, { training: true }],
    ['ConvBN', { stateful: true }, { training: false }],
  ];

  test.each(cases)('%s %j %j: spikes, gradients, statistics', (kind, options, kwargs) => {
    const one = pair(kind, options);
    const two = pair(kind, options);
    const fused = () => runChain([one.map, one.lif], one.x, kwargs);
    const apart = () => two.lif.apply(two.map.apply(two.x, kwargs), kwargs) as tf.Tensor;
    for (let call = 0; call < 2; call++) tf.tidy(() => expectSpikesEqual(fused(), apart()));
    tf.tidy(() => {
      const shape = one.map.computeOutputShape(one.x.shape) as number[];
      const g = tf.randomNormal(shape, 0, 1, 'float32', 11);
      const gradientsOf = (
        run: () => tf.Tensor,
        { map, lif }: { map: tf.layers.Layer; lif: tf.layers.Layer },
      ) => {
        if (lif.stateful) lif.resetStates();
        const variables = map.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const { grads } = tf.variableGrads(() => run().mul(g).sum().asScalar(), variables);
        return variables.map(({ name }) => grads[name]!);
      };
      const expected = gradientsOf(apart, two);
      for (const [i, gradient] of gradientsOf(fused, one).entries()) {
        expectGradClose(gradient, expected[i]!, one.map.trainableWeights[i]!.name);
      }
    });
    for (const [i, weight] of one.map.weights.entries()) {
      expectBuffersClose(weight.read(), two.map.weights[i]!.read(), weight.name);
    }
    for (const { map, lif, x } of [one, two]) {
      map.dispose();
      lif.dispose();
      x.dispose();
    }
  });

  const neurons: [string, () => tf.layers.Layer][] = [
    ['lifNode', () => layers.lifNode({ vReset: null, vThreshold: 0.7 })],
    ['lifNode without decayInput', () => layers.lifNode({ decayInput: false, tau: 3 })],
    ['ifNode', () => layers.ifNode()],
    ['parametricLIFNode', () => layers.parametricLIFNode({ initTau: 1.7 })],
  ];

  test.each(neurons)(
    '%s at inference: the same bits, as one kernel if the backend has it',
    async (_, make) => {
      for (const map of [layers.linearBN({ units: 64 }), layers.convBN({ filters: 64 })]) {
        const neuron = make();
        const x = tf.tidy(() =>
          tf.randomUniform([2, 4, 8, 8, 40], 0, 1, 'float32', 5).less(0.2).cast('float32'),
        );
        tf.tidy(() => void neuron.apply(map.apply(x))); // builds both
        const fused = () => runChain([map, neuron], x, {});
        const kernels = async () => (await tf.profile(() => tf.tidy(() => fused()))).kernelNames;
        tf.tidy(() => {
          const apart = neuron.apply(map.apply(x)) as tf.Tensor;
          expect(fused().dataSync()).toEqual(apart.dataSync());
        });
        const hasKernel = tf.getKernel(SpikeConv2DLIF, tf.getBackend()) !== undefined;
        expect((await kernels()).includes(SpikeConv2DLIF)).toBe(hasKernel);
        await expectNoLeak(() => fused().dispose());

        neuron.setCallHook(() => {});
        expect(await kernels()).not.toContain(SpikeConv2DLIF);
        map.dispose();
        neuron.dispose();
        x.dispose();
      }
    },
  );

  test('is two calls of `apply` where a function has taken its place', () => {
    const { map, lif, x } = pair('LinearBN');
    const names: string[] = [];
    for (const layer of [map, lif]) {
      const { apply } = layer;
      layer.apply = (...args) => {
        names.push(layer.name);
        return apply.apply(layer, args);
      };
      for (const training of [true, false]) runChain([map, lif], x, { training }).dispose();
    }
    const both = [map.name, lif.name];
    expect(names).toEqual([map.name, map.name, ...both, ...both]);
    map.dispose();
    x.dispose();
  });

  test('is seen as two layers', () => {
    const { map, lif, x } = pair('LinearBN');
    const heard: string[] = [];
    const listener = {
      input: (layer: tf.layers.Layer) => heard.push(`into ${layer.getClassName()}`),
      spikes: (layer: tf.layers.Layer) => heard.push(`out of ${layer.getClassName()}`),
    };
    for (const training of [true, false]) {
      withListener(listener, () => runChain([map, lif], x, { training }).dispose());
    }
    expect(heard).toEqual(['into LinearBN', 'out of LIFNode', 'into LinearBN', 'out of LIFNode']);
    map.dispose();
    x.dispose();
  });

  test('keeps the statistics of a frozen map', () => {
    const { map, lif, x } = pair('LinearBN');
    map.trainable = false;
    const before = map.weights.map((weight) => weight.read().dataSync());
    runChain([map, lif], x, { training: true }).dispose();
    expect(map.weights.map((weight) => weight.read().dataSync())).toEqual(before);
    map.dispose();
    x.dispose();
  });

  test('leaves nothing behind', async () => {
    const { map, lif, x } = pair('ConvBN', { useBias: true });
    await expectNoLeak(() => runChain([map, lif], x, { training: true }).dispose());
    map.dispose();
    x.dispose();
  });
});
