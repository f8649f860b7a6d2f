/** A run as tensors by name and JSON: what checkpoints hold beside the model, whatever keeps them. */
import * as tf from '@tensorflow/tfjs';
import { emptyStateDict, type StateDict } from '../interop/state_dict';
import { DivergedError } from './health';
import type { Progress } from './progress';
import type { TrainingLoss } from './training_loss';
import type { WeightAverage } from './weight_average';

/** What a run is: a Trainer, or the parts of a loop of one's own. */
export interface TrainingState {
  readonly model: tf.LayersModel;
  readonly optimizer: tf.Optimizer;
  readonly average?: WeightAverage;
  readonly loss?: Pick<TrainingLoss, 'variables'>;
  progress: Progress;
}

/** How the loss's variables are told from the model's weights, whatever those are called. */
const LOSS = 'loss:';

/**
 * The optimizer's state as `optimizer/<weight>/<part>` and the average's as `average/<weight>`, under
 * the names by which the model saves its weights; the loss's variables as `loss:<name>`.
 * @throws DivergedError where a weight is no number: such a state is not worth keeping
 */
export async function collectState(training: TrainingState): Promise<StateDict> {
  const { model, optimizer, average, loss } = training;
  const own = variablesOf(loss);
  const weights = model.weights.map((weight) => [weight.originalName, weight.read()] as const);
  for (const [name, weight] of [...weights, ...own]) {
    const values = await weight.data();
    if (!values.every(Number.isFinite)) {
      throw new DivergedError(`weight ${name} has a number that is none`);
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
    if (tensor.dtype === 'int32') tensor.dispose(); // counters, made for this call
  }
  for (const [name, tensor] of average?.state ?? []) await put(`average/${name}`, tensor);
  for (const [name, variable] of own) await put(name, variable);
  return state;
}

/** The loss's variables, by their names in a state. */
function variablesOf(loss: TrainingState['loss']): (readonly [string, tf.Variable])[] {
  return Object.entries(loss?.variables ?? {}).map(([name, v]) => [LOSS + name, v] as const);
}

/** Puts a state back. @throws where a part is missing or of another shape: see lossDifferences */
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

/** 'weight/part' with the weight's other name; names of one process differ from those of another. */
function renamed(name: string, names: ReadonlyMap<string, string>): string {
  const slash = name.lastIndexOf('/');
  const other = names.get(name.slice(0, slash));
  return other === undefined ? name : other + name.slice(slash);
}

/** One line of the table that says why a checkpoint does not fit. */
export interface Difference {
  what: string;
  checkpoint: string;
  here: string;
}

/** Where the weights of a checkpoint are not those of the model. */
export function weightDifferences(
  model: tf.LayersModel,
  saved: readonly { name: string; shape: readonly number[] }[],
): Difference[] {
  return shapeDifferences(
    new Map(saved.map(({ name, shape }) => [name, shape])),
    new Map(model.weights.map(({ originalName, shape }) => [originalName, shape])),
  );
}

/** Where the loss's variables in a state are not those here. */
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

/** Where two JSON values differ, by dotted path. */
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

/** As a table, at most `limit` rows of it; `there` heads the column of what was kept. */
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
