/** Every layer, as onnxruntime runs it. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { backends } from '../../support/backends';
import { layerCases } from '../../support/layer_cases';
import { expectSameOutputs, openOnnx } from '../../support/onnx';

const cases = layerCases.map(
  (one) => [`${one.className} ${one.variant ?? ''}`.trim(), one] as const,
);

/** What cannot be exported, and why. */
const refused: Record<string, string> = {
  TokenEmbedding: 'it reads the numbers of a tensor in its call',
  'TokenEmbedding with positions and padding': 'it reads the numbers of a tensor in its call',
  'TokenEmbedding in time': 'it reads the numbers of a tensor in its call',
  'SpikeDrivenBlock that keeps some tokens': "there is no ONNX form for tfjs's kernel TopK",
};

beforeAll(() => tf.setBackend(backends[0]!));

test.each(cases)('%s', async (name, { make, inputShape }) => {
  const model = tf.sequential({ layers: [make({ inputShape })] });
  if (name in refused) {
    await expect(spiking.interop.toOnnx(model)).rejects.toThrow(refused[name]);
    model.dispose();
    return;
  }
  const run = await openOnnx(await spiking.interop.toOnnx(model));
  const x = tf.randomUniform([2, ...inputShape], -1, 2, 'float32', 1);
  await expectSameOutputs(model, run, x);
  x.dispose();
  model.dispose();
});
