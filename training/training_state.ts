/** A run as named tensors and JSON: what checkpoints hold besides the model, in any storage. */
import * as tf from '@tensorflow/tfjs';
import { emptyStateDict, type StateDict } from '../interop/state_dict';
import { DivergedError } from './health';
import type { Progress } from './progress';
import type { TrainingLoss } from './training_loss';
import type { WeightAverage } from './weight_average';

/** A run: a Trainer, or the parts of a custom loop. */
export interface TrainingState {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly average?: WeightAverage;
  readonly loss?: Pick<TrainingLoss, 'variables'>;
  progress: Progress;
}

/** Distinguishes the loss's variables from the model's weights, whatever their names. */
const LOSS = 'loss:';

/**
 * The optimizer's state as `optimizer/<weight>/<part>` and the average's as `average/<weight>`, under the names by
 * which the model saves its weights; the loss's variables as `loss:<name>`.
 *
 * @throws DivergedError if a weight is NaN or Infinity: such a state is not worth saving
 */
export async function collectState(training: TrainingState): Promise<StateDict> {
  const { model, optimizer, average, loss } = training;
  const own = variablesOf(loss);
  const weights = model.weights.map((weight) => [weight.originalName, weight.read()] as const);
  for (const [name, weight] of [...weights, ...own]) {
    const values = await weight.data();
    if (!values.every(Number.isFinite)) {
      throw new DivergedError(`NaN or Infinity in weight ${name}`);
    }
  }
  const state = emptyStateDict();
  const put = async (name: string, tensor: tf.Tensor) => {
    const data = await tensor.data();
    state[name] =
      tensor.dtype === 'int32'
        ? { shape: tensor.shape, dtype: 'I32', data: Int32Array.from(data) }
        : { shape: tensor.shape, dtype: 'F32', data: Float32Array.from(data) };
  };
  const paths = new Map([
    ...model.weights.map(({ name, originalName }) => [name, originalName] as const),
    ...own.map(([path, { name }]) => [name, path] as const),
  ]);
  for (const { name, tensor } of await optimizer.getWeights()) {
    await put(`optimizer/${renamed(name, paths)}`, tensor);
    if (tensor.dtype === 'int32') tensor.dispose(); // Counters, made for this call.
  }
  for (const [name, tensor] of average?.state ?? []) await put(`average/${name}`, tensor);
  for (const [name, variable] of own) await put(name, variable);
  return state;
}

/** The loss's variables, by their names in a state. */
function variablesOf(loss: TrainingState['loss']): (readonly [string, tf.Variable])[] {
  return Object.entries(loss?.variables ?? {}).map(([name, v]) => [LOSS + name, v] as const);
}

/**
 * Restores a state.
 *
 * @throws if a part is missing or has another shape: see lossDifferences
 */
export async function restoreState(training: TrainingState, state: StateDict): Promise<void> {
  const { model, optimizer, average, loss } = training;
  const own = variablesOf(loss);
  const tensors = (prefix: string) =>
    Object.entries(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { shape, dtype, data }]) => ({
        name: name.slice(prefix.length),
        tensor: tf.tensor(
          data as Float32Array | Int32Array,
          shape,
          dtype === 'I32' ? 'int32' : 'float32',
        ),
      }));
  const names = new Map([
    ...model.weights.map(({ name, originalName }) => [originalName, name] as const),
    ...own.map(([path, { name }]) => [path, name] as const),
  ]);
  const moments = tensors('optimizer/').map(({ name, tensor }) => ({
    name: renamed(name, names),
    tensor,
  }));
  moments.sort((a, b) => Number(b.name === 'iter') - Number(a.name === 'iter')); // tfjs's first
  const averages = tensors('average/');
  const values = new Map(tensors(LOSS).map(({ name, tensor }) => [LOSS + name, tensor]));
  try {
    await optimizer.setWeights(moments);
    average?.load(new Map(averages.map(({ name, tensor }) => [name, tensor])));
    for (const [name, variable] of own) variable.assign(values.get(name)!);
  } finally {
    tf.dispose([...[...moments, ...averages].map(({ tensor }) => tensor), ...values.values()]);
  }
}

/** 'weight/part' with the weight's new name; names differ between processes. */
function renamed(name: string, names: ReadonlyMap<string, string>): string {
  const slash = name.lastIndexOf('/');
  const other = names.get(name.slice(0, slash));
  return other === undefined ? name : other + name.slice(slash);
}

/** One line of the table that shows why a checkpoint does not fit. */
export interface Difference {
  what: string;
  checkpoint: string;
  here: string;
}

/** The weights in which a checkpoint and the model differ. */
export function weightDifferences(
  model: tf.LayersModel,
  saved: readonly { name: string; shape: readonly number[] }[],
): Difference[] {
  return shapeDifferences(
    new Map(saved.map(({ name, shape }) => [name, shape])),
    new Map(model.weights.map(({ originalName, shape }) => [originalName, shape])),
  );
}

/** The variables of the loss in which a state and this run differ. */
export function lossDifferences(loss: TrainingState['loss'], state: StateDict): Difference[] {
  const saved = Object.entries(state).filter(([name]) => name.startsWith(LOSS));
  return shapeDifferences(
    new Map(saved.map(([name, { shape }]) => [name, shape])),
    new Map(variablesOf(loss).map(([name, { shape }]) => [name, shape])),
  );
}

type Shapes = ReadonlyMap<string, readonly (number | null)[]>;

function shapeDifferences(there: Shapes, here: Shapes): Difference[] {
  const text = (shape?: readonly (number | null)[]) => (shape ? `[${shape}]` : 'none');
  return [...new Set([...there.keys(), ...here.keys()])]
    .map((name) => ({
      what: `weight ${name}`,
      checkpoint: text(there.get(name)),
      here: text(here.get(name)),
    }))
    .filter(({ checkpoint, here: own }) => checkpoint !== own);
}

/** The dotted paths at which two JSON values differ. */
export function valueDifferences(what: string, checkpoint: unknown, here: unknown): Difference[] {
  if (isPlain(checkpoint) && isPlain(here)) {
    return [...new Set([...Object.keys(checkpoint), ...Object.keys(here)])].flatMap((key) =>
      valueDifferences(what === '' ? key : `${what}.${key}`, checkpoint[key], here[key]),
    );
  }
  const [a, b] = [checkpoint, here].map((value) => JSON.stringify(value) ?? 'none') as [
    string,
    string,
  ];
  return a === b ? [] : [{ what, checkpoint: a, here: b }];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As a table of at most `limit` rows; `there` heads the column of the saved values. */
export function differenceTable(
  differences: readonly Difference[],
  { limit = 20, there = 'checkpoint' } = {},
): string {
  const rows = [{ what: '', checkpoint: there, here: 'here' }, ...differences.slice(0, limit)];
  const width = (key: 'what' | 'checkpoint') => Math.max(...rows.map((row) => row[key].length));
  const [first, second] = [width('what'), width('checkpoint')];
  const lines = rows.map(
    ({ what, checkpoint, here }) =>
      `  ${what.padEnd(first)}  ${checkpoint.padEnd(second)}  ${here}`,
  );
  const more = differences.length - limit;
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}
