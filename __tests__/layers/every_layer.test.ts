/** What every layer must compute, on every backend: shape, gradient, each sample for itself, memory. */
import * as tf from '@tensorflow/tfjs';
import { describeEachBackend, onGPU, repeatably } from '../support/backends';
import { expectSameInAnyBatch } from '../support/compare';
import {
  describeEachLayer,
  modelWith,
  nameInside,
  sampleInput,
  seedWeights,
} from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

describeEachBackend('every layer', (backend) => {
  describeEachLayer((layerCase, sample) => {
    const { make, inputShape, outputShape } = layerCase;
    const withShape = (options: object = {}) => make({ inputShape, ...options });

    test('makes the shape that it announces, also of a shape not known in full', () => {
      const layer = make();
      const output = layer.apply(sample.x) as tf.Tensor;
      expect(output.shape).toEqual([2, ...outputShape]);
      expect(output.dtype).toBe('float32');
      expect(layer.computeOutputShape(sample.x.shape)).toEqual(output.shape);
      expect(layer.computeOutputShape([null, ...inputShape])).toEqual([null, ...outputShape]);
      output.dispose();
      layer.dispose();
    });

    test('answers for a sample whatever its batch neighbours', () => {
      const layer = withShape();
      const model = modelWith(layer, layerCase);
      const compare = () => {
        // Of two on GPUs, which compile programs for every size of batch.
        const batch = sampleInput(layerCase, onGPU(backend) ? 2 : 5);
        const together = layer.apply(batch) as tf.Tensor;
        const alone = tf.unstack(batch).map((one) => layer.apply(one.expandDims(0)) as tf.Tensor);
        expectSameInAnyBatch(backend, tf.concat(alone), together);
      };
      repeatably(() => tf.tidy(compare));
      model.dispose();
    });

    test('takes any batch, time and image size where its inputShape leaves them open', () => {
      const open = inputShape.map((n, axis) => (axis === inputShape.length - 1 ? n : null));
      const build = () => tf.sequential({ layers: [make({ inputShape: open })] });
      if (layerCase.sized) {
        expect(build).toThrow('known');
        return;
      }
      const model = build();
      const y = model.predict(sample.x) as tf.Tensor;
      expect(y.shape).toEqual([2, ...outputShape]);
      const announced = model.outputShape as (number | null)[];
      expect(announced.every((n, axis) => n === null || n === y.shape[axis])).toBe(true);
      y.dispose();
      model.dispose();
    });

    test('has a finite gradient for its input and for each trainable weight, zero only where it must be', () => {
      const layer = make();
      layer.apply(tf.input({ shape: inputShape }));
      if (layer.weights.length > 0) seedWeights(layer);
      const input = tf.variable(sample.x);
      tf.tidy(() => {
        const run = () =>
          (layer.apply(input, { training: true }) as tf.Tensor).square().sum().asScalar();
        const { trainable, idle = [] } = layerCase;
        // None moves anything: then they may be no part of what is computed.
        const weights = trainable.length > idle.length ? layer.trainableWeights : [];
        const variables = weights.map((weight) => weight.read() as tf.Variable);
        const given = layerCase.ids ? [] : [input];
        if (given.length + variables.length === 0) return;
        const { grads } = tf.variableGrads(run, [...given, ...variables]);
        const gradientOf = ({ name }: { name: string }) => {
          const gradient = grads[name]!.dataSync();
          expect(gradient.every(Number.isFinite)).toBe(true);
          return gradient;
        };
        given.forEach(gradientOf);
        const zero = weights.filter((weight) => gradientOf(weight).every((g) => g === 0));
        const expected = weights.length > 0 ? idle : [];
        expect(zero.map((weight) => nameInside(layer, weight))).toEqual(expected);
      });
      input.dispose();
      layer.dispose();
    });

    test('leaks nothing: calls, training, errors, a whole life', async () => {
      await expectNoLeak(async () => {
        const layer = withShape();
        const model = modelWith(layer, layerCase);
        await model.trainOnBatch(sample.x, sample.y); // what is made once, at the first step
        await expectNoLeak(async () => {
          tf.dispose(layer.apply(sample.x) as tf.Tensor);
          tf.dispose(layer.apply(sample.x, { training: true }) as tf.Tensor);
          tf.dispose(model.predict(sample.x));
          await model.trainOnBatch(sample.x, sample.y);
        });
        const { badInput } = layerCase;
        if (badInput) {
          const bad = tf.ones(badInput);
          await expectNoLeak(() => expect(() => layer.apply(bad)).toThrow());
          await expectNoLeak(() => expect(() => layer.apply(bad, { training: true })).toThrow());
          bad.dispose();
        }
        model.dispose();
        model.optimizer.dispose();
      });
    });
  });
});
