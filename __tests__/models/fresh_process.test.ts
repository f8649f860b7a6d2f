/** Trained here, saved to disk, loaded by another process, on this backend and on the others. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from 'tfjs-spikingformer/node';
import { backends, describeFasterBackends } from '../support/backends';
import { predict, seedWeights } from '../support/layer_test';
import { runScript, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();

/** Knows of the library what a user's script does: its node entry. Prints each backend's predictions. */
const script = `
  import * as tf from '@tensorflow/tfjs';
  import { fileHandler } from 'tfjs-spikingformer/node';
  const [path, backends] = process.argv.slice(1);
  tf.findBackend('cpu').firstUse = false; // no banner
  if (backends.includes('tensorflow')) await import('@tensorflow/tfjs-node');
  const predictions = {};
  for (const backend of backends.split(',')) {
    await tf.setBackend(backend);
    const model = await tf.loadLayersModel(fileHandler(path));
    const { shape } = model.inputs[0];
    const size = shape.slice(1).reduce((a, b) => a * b, 5);
    const x = tf.linspace(-7, 7, size).sin().reshape([5, ...shape.slice(1)]);
    predictions[backend] = [tf.getBackend(), Array.from(await model.predict(x).data())];
  }
  console.log(JSON.stringify(predictions));
`;

function input(shape: number[]): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 5);
  return tf.tidy(() =>
    tf
      .linspace(-7, 7, size)
      .sin()
      .reshape([5, ...shape]),
  );
}

const { layers } = spiking;

/** Stock layers and ours, as a user puts them together. */
const models: [string, number[], () => tf.Sequential][] = [
  [
    'images through stock layers, LIFNode, CMLDownsample and SpikingSelfAttention',
    [8, 8, 1],
    () =>
      tf.sequential({
        layers: [
          tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', inputShape: [8, 8, 1] }),
          tf.layers.batchNormalization(),
          layers.directEncoding({ timeSteps: 3 }),
          layers.lifNode({ tau: 1.5, surrogate: 'piecewiseQuadratic', vReset: null }),
          layers.cmlDownsample({ filters: 8, vThreshold: 0.5 }),
          layers.foldTime({ layer: tf.layers.dropout({ rate: 0.1 }) }),
          layers.spikingSelfAttention({ numHeads: 2, attnVThreshold: 0.3 }),
          layers.rateReadout(),
          tf.layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
  ],
  [
    'events through a tokenizer, a block, two equal attentions and PLIF neurons',
    [2, 8, 8, 2],
    () =>
      tf.sequential({
        layers: [
          layers.spikingTokenizer({ embedDim: 8, inputShape: [2, 8, 8, 2] }),
          layers.spikingformerBlock({ numHeads: 2, mlpRatio: 2 }),
          layers.spikingSelfAttention({ numHeads: 2 }),
          layers.spikingSelfAttention({ numHeads: 2 }),
          layers.parametricLIFNode({ vThreshold: 0.5 }),
          layers.rateReadout(),
          tf.layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
  ],
];

const argmax = (row: number[]) => row.indexOf(Math.max(...row));
const rows = (numbers: number[]) =>
  Array.from({ length: 5 }, (_, i) => numbers.slice(3 * i, 3 * i + 3));

describeFasterBackends('a model in another process', (backend) => {
  test.each(models)('%s', async (_, shape, build) => {
    const model = build();
    for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const x = input(shape);
    const y = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1], 'int32'), 3);
    const before = predict(model, x);
    await model.fit(x, y, { epochs: 2, batchSize: 3, shuffle: false, verbose: 0 });
    const expected = predict(model, x);
    expect(expected).not.toEqual(before);

    const path = join(directory, `${backend}-${shape.length}`);
    await model.save(fileHandler(path));
    const { status, stdout, stderr } = runScript(script, [path, backends.join()]);
    // TensorFlow tells of itself there.
    const said = backends.includes('tensorflow') && status === 0 ? '' : stderr;
    expect({ status, said }).toEqual({ status: 0, said: '' });
    const predictions = JSON.parse(stdout) as Record<string, [string, number[]]>;
    expect(Object.keys(predictions)).toEqual(backends);
    for (const [other, [current, numbers]] of Object.entries(predictions)) {
      expect(current).toBe(other);
      if (other === backend) {
        expect(numbers).toEqual(expected);
        continue;
      }
      expect(rows(numbers).map(argmax)).toEqual(rows(expected).map(argmax));
      numbers.forEach((p, i) => {
        expect(Math.abs(p - expected[i]!)).toBeLessThan(1e-5);
      });
    }
    tf.dispose([x, y]);
    model.dispose();
  });
});
