/** Layer norm on tfjs-node, against its specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { layerNorm, layers } from 'tfjs-spikingformer';
import * as composed from '../../../lib/kernels/layer_norm';
import {
  BiasLayerNorm,
  BiasLayerNormGrad,
  LayerNorm,
  LayerNormGrad,
} from '../../../lib/kernels/layer_norm';
import { layerNormKernels } from '../../../lib/kernels/tensorflow/layer_norm';
import '../../support/backends';
import { expectSameNumbers } from '../../support/compare';
import { anySizes, runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { expectAll, normAttrs, normExample, normGradients } from '../../support/norm_spec';
import { describeNativeOps } from '../../support/tensorflow';

const run = runnerOf(layerNormKernels);

type Example = ReturnType<typeof normExample>;
const names = ['y', ...normGradients];

const native = ({ dy, x, gamma, beta }: Example) => [
  ...run(LayerNorm, { x, gamma, beta }, normAttrs),
  ...run(LayerNormGrad, { dy, x, gamma }, normAttrs),
];

const specified = ({ dy, x, gamma, beta }: Example) => {
  const norm = (...[x, gamma, beta]: tf.Tensor[]) =>
    composed.layerNorm(x!, gamma!, beta!, normAttrs);
  return [norm(x, gamma, beta), ...tf.grads(norm)([x, gamma, beta], dy)];
};

const biasOf = ({ x }: Example, seed = 1) =>
  tf.randomNormal([x.shape.at(-1)!], 0, 1, 'float32', seed + 4);

const withBias = ({ dy, x, gamma, beta }: Example, bias: tf.Tensor) => [
  ...run(BiasLayerNorm, { x, gamma, beta, bias }, normAttrs),
  ...run(BiasLayerNormGrad, { dy, x, gamma, bias }, normAttrs),
];

/** Bit for bit the norm of x + bias, whose gradient the bias gets too. */
function expectBiased(shape: number[], seed?: number) {
  tf.tidy(() => {
    const example = normExample(shape, seed);
    const bias = biasOf(example, seed);
    const [dbias, ...got] = withBias(example, bias).reverse();
    const expected = native({ ...example, x: example.x.add(bias) });
    for (const [i, tensor] of got.reverse().entries()) {
      expectSameNumbers(tensor, expected[i]!, names[i]!);
    }
    const summed = expected[1]!.reshape([-1, bias.size]).sum(0);
    // These sums are near zero: beside the numbers that they add up.
    const size = expected[1]!.abs().reshape([-1, bias.size]).sum(0).max().dataSync()[0]!;
    expectAll([dbias!], [summed], ['dbias'], { atol: 1e-5 + 1e-6 * size });
  });
}

function expectSpecified(shape: number[], seed?: number) {
  tf.tidy(() => {
    const { x, ...rest } = normExample(shape, seed);
    // Few channels may be nearly equal, and 1 / sqrt(variance) multiplies how they are rounded: apart, they are not.
    const apart = tf.range(0, shape.at(-1)!).mul(3);
    const example = { x: x.mul(0.2).add(apart), ...rest };
    expectAll(native(example), specified(example), names, { rel_to_max: 1e-5 });
  });
}

describeNativeOps('layer norm as a native op', () => {
  it('is what layerNorm runs, and leaves nothing behind', async () => {
    const { x, gamma, beta } = normExample([2, 4, 3, 8]);
    const norm = (of: tf.Tensor) => layerNorm(of, gamma, beta);
    const { kernelNames } = await tf.profile(() => tf.tidy(() => norm(x)));
    expect(kernelNames).toEqual([LayerNorm]);
    await expectNoLeak(() => tf.tidy(() => expect(tf.grad(norm)(x).shape).toEqual(x.shape)));
    tf.dispose([x, gamma, beta]);
  });

  it('is the composed form for rows of any size, and so is its gradient', () => {
    fc.assert(
      fc.property(anySizes(3, 4, 90, 140), fc.nat(1e6), (shape, seed) =>
        expectSpecified(shape, seed),
      ),
      { numRuns: 60 },
    );
  });

  it.each([[[1, 1]], [[5000, 1]], [[3, 4100]], [[16, 4, 64, 384]], [[7, 20_001]]])(
    'is the composed form of %j',
    (shape) => expectSpecified(shape),
  );

  it('is with a bias the norm of the sum', () => {
    fc.assert(
      fc.property(anySizes(3, 4, 90, 140), fc.nat(1e6), (shape, seed) => expectBiased(shape, seed)),
      { numRuns: 40 },
    );
    expectBiased([16, 4, 64, 384]);
  });

  it('takes the bias of a LinearLN in training, unless its norm is observed', async () => {
    const map = layers.linearLN({ units: 6 });
    const x = tf.randomUniform([2, 3, 4, 5], 0, 1, 'float32', 1);
    const gradient = tf.grad((of) => map.apply(of, { training: true }) as tf.Tensor);
    const kernelNames = async () =>
      (await tf.profile(() => tf.tidy(() => gradient(x)))).kernelNames;
    expect(await kernelNames()).toContain(BiasLayerNorm);
    const dx = gradient(x);
    let shape: tf.Shape = [];
    map.sublayers[0]!.setCallHook((inputs) => {
      shape = [inputs].flat()[0]!.shape;
    });
    expect(await kernelNames()).not.toContain(BiasLayerNorm);
    expect(shape).toEqual([2, 3, 4, 6]);
    expectSameNumbers(gradient(x), dx, 'dx');
    tf.dispose([x, dx]);
    map.dispose();
  });

  it('takes no rows', () => {
    tf.tidy(() => {
      const [x, gamma, beta] = [tf.zeros([0, 4, 3]), tf.ones([3]), tf.ones([3])];
      const [y, dx, dgamma, dbeta] = native({ dy: x, x, gamma, beta });
      for (const empty of [y!, dx!]) expect(empty.shape).toEqual([0, 4, 3]);
      for (const none of [dgamma!, dbeta!]) expect([...none.dataSync()]).toEqual([0, 0, 0]);
    });
  });

  it('gives a row the same bits wherever it lies', () => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = normExample([2000, 67]);
      const once = [0, 1, 2].map((i) => i * 999);
      const [y, dx] = native({ x, gamma, beta, dy });
      for (const row of once) {
        const alone = native({ x: x.slice(row, 1), gamma, beta, dy: dy.slice(row, 1) });
        expectSameNumbers(alone[0]!, y!.slice(row, 1), `y of row ${row}`);
        expectSameNumbers(alone[1]!, dx!.slice(row, 1), `dx of row ${row}`);
      }
    });
  });

  it('gives the same numbers whenever it runs', () => {
    tf.tidy(() => {
      const example = normExample([16, 4, 64, 129]);
      const first = native(example);
      for (let i = 0; i < 5; i++) {
        for (const [k, tensor] of native(example).entries()) {
          expectSameNumbers(tensor, first[k]!, names[k]!);
        }
      }
    });
  });

  it('is as exact as float64 of numbers far from zero', () => {
    tf.tidy(() => {
      const channels = 384;
      const x = Float32Array.from({ length: channels }, (_, i) => 1000 + Math.sin(i) * 0.5);
      const [ones, zeros] = [tf.ones([channels]), tf.zeros([channels])];
      const [y] = run(LayerNorm, { x: tf.tensor([x]), gamma: ones, beta: zeros }, normAttrs);
      const mean = x.reduce((sum, value) => sum + value, 0) / channels;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
      for (const [c, value] of y!.dataSync().entries()) {
        expect(value).toBeCloseTo((x[c]! - mean) / Math.sqrt(variance + 1e-5), 3);
      }
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const [x, three, two] = [tf.ones([2, 3]), tf.ones([3]), tf.ones([2])];
      const norm = (inputs: object) => () => run(LayerNorm, { x, ...inputs }, normAttrs);
      expect(norm({ gamma: two, beta: three })).toThrow('gamma must have 3 numbers');
      expect(norm({ gamma: three, beta: two })).toThrow('beta must have 3 numbers');
      expect(norm({ x: tf.scalar(1), gamma: two, beta: two })).toThrow('x must be [..., channels]');
      const gradient = () => run(LayerNormGrad, { dy: three, x, gamma: three }, normAttrs);
      expect(gradient).toThrow('dy must have 6 numbers');
    });
  });
});
