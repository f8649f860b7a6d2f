/** `spikingformer summary`: the layers and parameters of a preset or of a saved model. */
import * as models from '../models/index';
import { COLUMNS } from './_columns';
import { type OpenOptions, openModel } from './_model';

export interface SummaryArguments extends Omit<OpenOptions, 'recipe'> {
  json?: boolean;
}

interface Totals {
  model: string;
  /** Numbers that training can change, as PyTorch counts them. */
  parameters: number;
  /** The same, with the two LayerNorms per block that the authors' code creates but never uses. */
  withUnusedLayerNorms: number;
  /** Running means and variances. */
  runningStatistics: number;
}

export async function summary(name: string | undefined, options: SummaryArguments) {
  if (name === undefined) {
    for (const name of [...Object.keys(models.trainedModels), ...models.list()]) console.log(name);
    return;
  }
  const { model } = await openModel(name, options);
  const counts = models.countParameters(model);
  const runningStatistics = model.countParams() - counts.parameters;
  const totals: Totals = { model: name, ...counts, runningStatistics };
  if (options.json) {
    console.log(JSON.stringify(totals, null, 2));
  } else {
    model.summary(COLUMNS, [0.36, 0.62, 0.88, 1]);
    print(totals);
  }
  model.dispose();
}

function print({ parameters, withUnusedLayerNorms, runningStatistics }: Totals): void {
  const row = (count: number, what: string) =>
    console.log(`${count.toLocaleString('en-US').padStart(12)}  ${what}`);
  row(parameters, 'parameters');
  if (withUnusedLayerNorms !== parameters) {
    row(withUnusedLayerNorms, "with the authors' two unused LayerNorms per block");
  }
  row(runningStatistics, 'running means and variances');
}
