/** A model as the two files that `tf.loadLayersModel` reads, in a page and, by `fileHandler`, in Node. */
import * as tf from '@tensorflow/tfjs';

const WEIGHTS = 'model.weights.bin';

export async function savedFiles(model: tf.LayersModel): Promise<File[]> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  const { weightSpecs, weightData, ...rest } = saved!;
  const weightsManifest = [{ paths: [WEIGHTS], weights: weightSpecs }];
  const json = { ...rest, weightsManifest };
  return [
    new File([JSON.stringify(json)], 'model.json', { type: 'application/json' }),
    new File([weightData].flat() as ArrayBuffer[], WEIGHTS),
  ];
}
