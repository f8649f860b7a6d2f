/**
 * Measures the trained models of weights/ on the test samples of their data, and adds rows to
 * results/trained_models.csv: `npx tsx scripts/trained_results.ts [NAME...]`.
 */
import * as tf from '@tensorflow/tfjs';
import { models } from 'tfjs-spikingformer';
import type { SampleSource } from 'tfjs-spikingformer/datasets';
import { datasetEntry, mnist } from 'tfjs-spikingformer/node';
import { dataOfModel, evaluate, evaluationData } from 'tfjs-spikingformer/training';
import { appendCsv } from '../bench/csv';
import { asEvents } from '../examples/digits_as_events';

type Name = models.TrainedModelName;

/** Test samples that are in no files: what makes them. */
const made: Partial<Record<Name, () => Promise<SampleSource>>> = {
  recordings: async () => asEvents(await mnist({ split: 'test' })),
};

async function testSamples(name: Name, model: tf.LayersModel): Promise<SampleSource> {
  const make = made[name];
  if (make) return make();
  const { name: data } = dataOfModel(model)!.data;
  const entry = datasetEntry(data);
  if (entry.kind === 'events') throw new Error(`${name} must have its test samples in 'made'`);
  return entry.open({ split: 'test' });
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(models.trainedModels);
for (const name of names as Name[]) {
  const model = await models.load(name);
  const { data, files, command } = models.trainedModels[name];
  const samples = evaluationData(await testSamples(name, model), { batchSize: 100 });
  const { accuracy, samples: count } = await evaluate(model, samples);
  const row = {
    date: new Date().toISOString().slice(0, 10),
    ...{
      name,
      data,
      backend: tf.getBackend(),
      accuracy: Number(accuracy.toFixed(4)),
      samples: count,
    },
    bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
    made: command,
    command: `npx tsx scripts/trained_results.ts ${name}`,
  };
  appendCsv('results/trained_models.csv', [row]);
  console.log(`${name}: ${(100 * accuracy).toFixed(2)} % of ${count}`);
  model.dispose();
}
