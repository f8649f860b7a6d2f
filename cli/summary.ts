/** `spikingformer summary`: the layers and parameters of a preset or of a saved model. */
import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { models } from '../index';
import { fileHandler } from '../node/index';
import { UsageError } from './_errors';

interface Totals {
  model: string;
  /** What training can change: what PyTorch counts. */
  parameters: number;
  /** The same with the two LayerNorms a block that the authors' code creates and never uses. */
  withUnusedLayerNorms: number;
  /** Running means and variances. */
  runningStatistics: number;
}

export async function summary(name: string | undefined, options: { json?: boolean }) {
  if (name === undefined) {
    for (const preset of models.list()) console.log(preset);
    return;
  }
  await tf.ready();
  const preset = models.list().includes(name);
  const model = preset ? models.create(name) : await load(name);
  const counts = models.countParameters(model);
  const runningStatistics = model.countParams() - counts.parameters;
  const totals: Totals = { model: name, ...counts, runningStatistics };
  if (options.json) {
    console.log(JSON.stringify(totals, null, 2));
  } else {
    model.summary();
    print(totals);
  }
  model.dispose();
}

function load(path: string): Promise<tf.LayersModel> {
  if (!existsSync(path)) {
    throw new UsageError(
      `model must be a preset (\`spikingformer summary\` lists them) or the path of a saved model, ` +
        `but got '${path}'`,
    );
  }
  return tf.loadLayersModel(fileHandler(path));
}

function print({ parameters, withUnusedLayerNorms, runningStatistics }: Totals): void {
  const row = (count: number, what: string) =>
    console.log(`${count.toLocaleString('en-US').padStart(12)}  ${what}`);
  row(parameters, 'parameters');
  if (withUnusedLayerNorms !== parameters) {
    row(withUnusedLayerNorms, "with the authors' two unused LayerNorms a block");
  }
  row(runningStatistics, 'running means and variances');
}
