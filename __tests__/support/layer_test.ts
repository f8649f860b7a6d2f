/** Tools to look at layers and models: inputs, weights, predictions, what a saved model loads as. */
import * as tf from '@tensorflow/tfjs';
import { type LayerCase, titled } from './layer_cases';

/** How many numbers a sample is. */
const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

/** Random numbers around the thresholds; the same at every call. */
export function sampleInput({ inputShape, ids }: LayerCase, batch = 2, seed = 11): tf.Tensor {
  if (ids) return tf.randomUniform([batch, ...inputShape], 0, ids, 'int32', seed);
  return tf.randomUniform([batch, ...inputShape], -1, 3, 'float32', seed);
}

const sampleTarget = (batch = 2) => tf.ones([batch, 2]);

/** `describe` for every layer; `sample` has an input and a target, new in each test. */
export function describeEachLayer(
  body: (layerCase: LayerCase, sample: { x: tf.Tensor; y: tf.Tensor }) => void,
): void {
  describe.each(titled)('%s', (_, layerCase) => {
    const sample = {} as { x: tf.Tensor; y: tf.Tensor };
    beforeEach(() => {
      Object.assign(sample, { x: sampleInput(layerCase), y: sampleTarget() });
    });
    afterEach(() => tf.dispose([sample.x, sample.y]));
    body(layerCase, sample);
  });
}

/** Gives every weight numbers of its own, the same in every run, with which all of the layer is alive. */
export function seedWeights(layer: tf.layers.Layer): void {
  tf.tidy(() => {
    const values = layer.weights.map(({ originalName, shape }, i) => {
      const random = (mean: number, deviation: number) =>
        tf.randomNormal(shape as number[], mean, deviation, 'float32', i + 1);
      if (originalName.endsWith('variance')) return random(1, 0.1).abs();
      if (originalName.endsWith('gamma')) return random(1.5, 0.2);
      return originalName.endsWith('beta') ? random(0.5, 0.3) : random(0, 0.5);
    });
    layer.setWeights(values);
  });
}

/** The layer as the first of a stock model that ends in two outputs. */
export function modelWith(layer: tf.layers.Layer, { outputShape }: LayerCase): tf.Sequential {
  const size = sizeOf(outputShape);
  const model = tf.sequential({
    layers: [
      layer,
      tf.layers.reshape({ targetShape: [size] }),
      tf.layers.dense({ units: 2, name: 'head' }),
    ],
  });
  if (layer.weights.length > 0) seedWeights(layer);
  return compiled(model);
}

/** Compiled anew, as freezing asks for. */
export function compiled<T extends tf.LayersModel>(model: T): T {
  model.compile({ optimizer: tf.train.sgd(0.5), loss: 'meanSquaredError' });
  return model;
}

/** A weight's name inside its layer, which alone differs between two models that are built alike. */
export function nameInside(layer: tf.layers.Layer, weight: tf.LayerVariable): string {
  const start = `${layer.name}/`;
  expect(weight.originalName.startsWith(start)).toBe(true);
  return weight.originalName.slice(start.length);
}

/** Weights' numbers by their names inside the layer. */
export function weightValues(layer: tf.layers.Layer): Map<string, number[]> {
  return new Map(
    layer.weights.map((weight) => [
      nameInside(layer, weight),
      Array.from(weight.read().dataSync()),
    ]),
  );
}

/** Names of the weights whose numbers differ. */
export function changed(before: Map<string, number[]>, after: Map<string, number[]>): string[] {
  return [...after]
    .filter(([name, x]) => x.join() !== before.get(name)!.join())
    .map(([name]) => name);
}

/** Numbers of a prediction. */
export function predict(model: tf.LayersModel, x: tf.Tensor | tf.Tensor[]): number[] {
  return tf.tidy(() => Array.from((model.predict(x) as tf.Tensor).dataSync()));
}

/** What `model.save` hands to its handler, after the way through JSON that a file would take. */
export async function savedArtifacts(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  return { ...saved!, modelTopology: JSON.parse(JSON.stringify(saved!.modelTopology)) };
}

export async function savedAndLoaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  return tf.loadLayersModel(tf.io.fromMemory(await savedArtifacts(model)));
}
