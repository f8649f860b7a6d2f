/** Every layer, as onnxruntime runs it. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { backends } from '../../support/backends';
import { layerCases } from '../../support/layer_test';
import { expectSameOutputs, openOnnx } from '../../support/onnx';

const cases = layerCases.map(
  (one) => [`${one.className} ${one.variant ?? ''}`.trim(), one] as const,
);

beforeAll(() => tf.setBackend(backends[0]!));

test.each(cases)('%s', async (_, { make, inputShape }) => {
  const model = tf.sequential({ layers: [make({ inputShape })] });
  const run = await openOnnx(await spiking.interop.toOnnx(model));
  const x = tf.randomUniform([2, ...inputShape], -1, 2, 'float32', 1);
  await expectSameOutputs(model, run, x);
  x.dispose();
  model.dispose();
});
