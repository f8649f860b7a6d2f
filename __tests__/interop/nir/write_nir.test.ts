/** NIR files written here: read back they fire alike, and what NIR has no word for is refused by its name. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeFasterBackends } from '../../support/backends';
import { loadH5wasm, nirFile, readNir } from '../../support/nir';
import { runScript } from '../../support/process';

const { layers, interop } = spiking;

async function writeNir(model: tf.LayersModel, options: spiking.interop.NirWriteOptions = {}) {
  return interop.writeNir(model, { h5wasm: await loadH5wasm(), ...options });
}

function sequential(...all: tf.layers.Layer[]): tf.Sequential {
  const model = tf.sequential();
  for (const layer of all) model.add(layer);
  return model;
}

/** Weights that make neurons fire. */
function enliven(model: tf.LayersModel): void {
  for (const [i, weight] of model.weights.entries()) {
    const least = /variance|gamma/.test(weight.originalName) ? 0.2 : -0.7;
    const random = tf.randomUniform(weight.shape as number[], least, 1, 'float32', i + 1);
    if (!/\/w$/.test(weight.originalName)) weight.write(random);
  }
}

const image = [4, 8, 8, 3];
const { foldTime } = layers;
const models: Record<string, () => tf.LayersModel> = {
  'dense layers and every reset': () =>
    sequential(
      tf.layers.dense({ units: 6, inputShape: [5, 4] }),
      layers.lifNode({ tau: 1.7, vThreshold: 0.7 }),
      layers.linearBN({ units: 5, useBias: true }),
      layers.lifNode({ tau: 3, vReset: null }),
      tf.layers.dense({ units: 4, useBias: false }),
      layers.lifNode({ tau: 2, vReset: -0.3, vThreshold: 0.6 }),
      tf.layers.dense({ units: 4 }),
      layers.lifNode({ tau: 2.5, decayInput: false }),
      tf.layers.dense({ units: 4 }),
      layers.ifNode({ vReset: null }),
      tf.layers.dense({ units: 3 }),
      layers.parametricLIFNode({ initTau: 2 }),
    ),
  'an image, its batch norms in its convolutions': () =>
    sequential(
      layers.convBN({ filters: 4, strides: 2, inputShape: image }),
      layers.ifNode(),
      layers.depthwiseConvBN({ useBias: true }),
      layers.ifNode(),
      foldTime({ layer: tf.layers.averagePooling2d({ poolSize: 2 }) }),
      foldTime({ layer: tf.layers.flatten() }),
      layers.lifNode({ vThreshold: 0.5 }),
      tf.layers.dense({ units: 3 }),
      layers.ifNode(),
    ),
  'stock convolutions': () =>
    sequential(
      foldTime({
        layer: tf.layers.conv2d({ filters: 4, kernelSize: [3, 2], strides: [2, 1] }),
        inputShape: image,
      }),
      layers.ifNode(),
      foldTime({ layer: tf.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }) }),
      layers.ifNode(),
      foldTime({
        layer: tf.layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same', useBias: false }),
      }),
      layers.ifNode(),
    ),
  'a row, and a chain': () =>
    sequential(
      layers.chain({
        layers: [
          foldTime({
            name: 'conv',
            layer: tf.layers.conv1d({ filters: 4, kernelSize: 3, padding: 'same' }),
          }),
          layers.ifNode({ name: 'if' }),
        ],
        inputShape: [4, 9, 2],
      }),
    ),
  'a sum': () => {
    const x = tf.input({ shape: [4, 3] });
    const [a, b] = [3, 3].map((units) => tf.layers.dense({ units }).apply(x) as tf.SymbolicTensor);
    const sum = tf.layers.add().apply([a!, b!]) as tf.SymbolicTensor;
    return tf.model({ inputs: x, outputs: layers.ifNode().apply(sum) as tf.SymbolicTensor });
  },
};

/** Spikes of the last layer, of a model that was written and read. */
async function expectRoundTrip(model: tf.LayersModel, options: spiking.interop.NirOptions = {}) {
  const again = await readNir(await writeNir(model), options);
  const [, time, ...sizes] = model.inputs[0]!.shape as number[];
  const x = tf
    .randomUniform([2, time ?? 8, ...sizes], 0, 1, 'float32', 5)
    .greater(0.6)
    .toFloat();
  const [ours, theirs] = [model, again].map((one) => one.predict(x) as tf.Tensor);
  expect(Array.from(theirs!.dataSync())).toEqual(Array.from(ours!.dataSync()));
  const rate = ours!.mean().dataSync()[0]!;
  expect(rate).toBeGreaterThan(0);
  expect(rate).not.toBe(1);
  tf.dispose([x, ours!, theirs!]);
  again.dispose();
}

describeFasterBackends('NIR', () => {
  test.each(Object.keys(models))('there and back: %s', async (name) => {
    const model = models[name]!();
    enliven(model);
    await expectRoundTrip(model);
    model.dispose();
  });

  test.each([
    ['lif_norse', {}],
    ['two_lif_neurons', {}],
    ['braille_noDelay_noBias_subtract', { reset: 'subtract', cubaReading: 'old' }],
    ['cnn_sinabs', { reset: 'multi-spike' }],
    ['cnn_sinabs', { reset: 'subtract' }],
  ] as const)('what was read, there and back: %s %j', async (name, options) => {
    const model = await readNir(nirFile(name), options);
    const bytes = await writeNir(model);
    const again = await readNir(bytes); // resets and readings are in the file
    const sizes = model.inputs[0]!.shape.slice(2) as number[];
    const x = tf
      .randomUniform([1, 40, ...sizes], 0, 1, 'float32', 1)
      .greater(0.6)
      .toFloat()
      .mul(2);
    const [ours, theirs] = [model, again].map((one) => one.predict(x) as tf.Tensor);
    expect(theirs!.dataSync()).toEqual(ours!.dataSync());
    tf.dispose([x, ours!, theirs!]);
    model.dispose();
    again.dispose();
  });
});

test('the default h5wasm, and a read network saved and loaded', () => {
  const { status, stderr, stdout } = runScript(`
    import * as tf from '@tensorflow/tfjs';
    import * as spiking from 'tfjs-spikingformer';
    import { fileHandler } from 'tfjs-spikingformer/node';
    import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    await tf.ready();
    const bytes = readFileSync('__tests__/fixtures/nir/braille_noDelay_noBias_subtract.nir');
    const model = await spiking.interop.readNir(bytes, { reset: 'subtract' });
    const folder = mkdtempSync(tmpdir() + '/nir-');
    await model.save(fileHandler(folder));
    const loaded = await tf.loadLayersModel(fileHandler(folder));
    rmSync(folder, { recursive: true });
    const x = tf.randomUniform([1, 30, 12], 0, 1, 'float32', 1).greater(0.5).toFloat();
    const [a, b] = [model, loaded].map((one) => [...one.predict(x).dataSync()].join());
    console.log(a === b, a.includes('1'), (await spiking.interop.writeNir(loaded)).length > 1000);`);
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: 'true true true\n' });
});

const refused: [string, () => tf.LayersModel, string][] = [
  [
    'a layer without a node',
    () => sequential(layers.rateReadout({ name: 'end', inputShape: [2, 3] })),
    'Layer end (RateReadout) cannot be written to NIR: NIR has no node for it',
  ],
  [
    'an activation',
    () =>
      sequential(tf.layers.dense({ name: 'fc', units: 1, activation: 'relu', inputShape: [2, 3] })),
    "Layer fc (Dense) cannot be written to NIR: its activation is 'relu', and NIR has none",
  ],
  [
    'a linear map of an image',
    () => sequential(tf.layers.dense({ name: 'fc', units: 1, inputShape: [2, 4, 4, 3] })),
    "Layer fc (Dense) cannot be written to NIR: it takes [4,4,3], and NIR's linear maps one axis",
  ],
  [
    'an output flattened with channels last',
    () => sequential(foldTime({ layer: tf.layers.flatten(), inputShape: image })),
    'is padded, or flattened with channels last',
  ],
  [
    'an image without time',
    () => sequential(tf.layers.dense({ units: 1, inputShape: [3] })),
    'Shapes in a model for NIR must be [batch, time, ...] of known sizes',
  ],
];
test.each(refused)('refused: %s', async (_, make, message) => {
  await expect(writeNir(make())).rejects.toThrow(message);
});
