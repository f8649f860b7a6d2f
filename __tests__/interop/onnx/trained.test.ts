/** A trained network in onnxruntime: the class of 100 test images is the model's. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { mnist } from '../../../node';
import { evaluationData, firstSamples } from '../../../training';
import { backends } from '../../support/backends';
import { openOnnx } from '../../support/onnx';

test('digits are read as the model reads them', async () => {
  await tf.setBackend(backends[0]!);
  const model = await spiking.models.load('digits');
  const run = await openOnnx(await spiking.interop.toOnnx(model));
  const test = firstSamples(await mnist({ split: 'test' }), 100);
  for await (const { data, shape, labels } of evaluationData(test, { batchSize: 100 }).batches()) {
    const x = tf.tensor(data, shape);
    const ours = model.predict(x) as tf.Tensor2D;
    const theirs = tf.tensor2d((await run(x)).get(model.outputNames[0]!)!.data, ours.shape);
    const classes = [...ours.argMax(1).dataSync()];
    expect([...theirs.argMax(1).dataSync()]).toEqual(classes);
    expect(classes.filter((answer, i) => answer === labels[i]).length).toBeGreaterThan(95);
    tf.dispose([x, ours, theirs]);
  }
  model.dispose();
});
