/** `spikingformer quantize`: a model's weights in 8 or 16 bits, and what that does to its answers. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { WeightFormat } from '../lib/quantize';
import * as models from '../models/index';
import { datasetEntry } from '../node/datasets/registry';
import { fileHandler } from '../node/runs/file_handler';
import type { Recipe } from '../training/recipe';
import { evaluationData, firstSamples } from '../training/sample_data';
import { type EvaluationData, logitsOf } from '../training/training_data';
import { findDataset } from './_dataset_names';
import { heldOutData } from './_held_out';
import { type OpenOptions, openModel, placeOfModel, recipeFor } from './_model';
import { readRecipe } from './_recipes';
import type { DataPlace } from './_run_folder';
import { exists, type FileSum, sums } from './_weight_files';
import { useBackend } from './shared/choose_backend';
import { UsageError } from './shared/errors';
import { abortOnInterrupt } from './shared/interrupt';
import { showProgress } from './shared/progress';
import { percent } from './shared/training_progress';

export interface QuantizeArguments extends Omit<OpenOptions, 'recipe'>, DataPlace {
  to: WeightFormat;
  out?: string;
  force?: boolean;
  recipe?: string;
  samples?: number;
  backend?: string;
  json?: boolean;
}

/** Answers before and after, on the same samples. */
interface Agreement {
  samples: number;
  /** Shares of right answers, 0 to 1. */
  before: number;
  after: number;
  /** Samples with another answer than before. */
  changed: number;
}

/** What was done, as --json prints it. */
interface Report {
  model: string;
  to: WeightFormat;
  /** Bytes of the weights in float32, and as written. */
  bytes: { before: number; after: number };
  weights: models.QuantizedWeight[];
  accuracy?: Agreement;
  output: FileSum[];
}

export async function quantize(name: string, options: QuantizeArguments): Promise<void> {
  const { to, out = besides(name, to), json } = options;
  placeOfModel(name);
  if (resolve(out) === resolve(name)) throw new UsageError('--out must differ from the model');
  if (exists(out, 'tfjs') && !options.force) {
    throw new UsageError(`${out} exists: --force replaces it`);
  }
  const given = options.recipe === undefined ? undefined : readRecipe(options.recipe);
  const chosen = await useBackend(options.backend);
  const { model, from, recipe: own } = await openModel(name, { ...options, recipe: given });
  const data = await dataFor(name, model, options, given, own);
  if (chosen && !json) console.log(chosen);

  const { artifacts, weights } = await models.quantize(model, to);
  await fileHandler(out).save!(artifacts);
  const small = await tf.loadLayersModel(fileHandler(out));
  const accuracy = data && (await compare(model, small, data));
  const report: Report = {
    ...{ model: from, to },
    bytes: {
      before: model.countParams() * Float32Array.BYTES_PER_ELEMENT,
      after: weights.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    weights,
    ...(accuracy && { accuracy }),
    output: await sums(out, 'tfjs'),
  };
  console.log(json ? JSON.stringify(report, null, 2) : text(report));
  for (const each of [model, small]) each.dispose();
}

/** The default for --out: RUN/model-int8, so that its run's data are known; else the model's own path and -int8. */
function besides(name: string, to: WeightFormat): string {
  const isFolder = existsSync(name) && statSync(name).isDirectory();
  if (isFolder && placeOfModel(name).kind === 'run') return join(name, `model-${to}`);
  const folder = name.endsWith('.json') ? dirname(resolve(name)) : name;
  const plain = isFolder ? resolve(name) : folder.replace(/(\.pth)?\.(tar|\w+)$/i, '');
  return `${plain}-${to}`;
}

/** The held-out samples that options ask for, if they ask for any. */
async function dataFor(
  name: string,
  model: tf.LayersModel,
  { data, partial, samples }: QuantizeArguments,
  given: Recipe | undefined,
  own: Recipe | undefined,
): Promise<EvaluationData | undefined> {
  if (data === undefined && given === undefined && samples === undefined) return undefined;
  const set = data === undefined ? undefined : findDataset(data);
  const known = given ?? own;
  if (set !== undefined && known?.data.name !== set) {
    const entry = datasetEntry(set);
    const split = { split: 'test', partial } as const;
    const frames = model.inputs[0]!.shape[1]!;
    const source = await (entry.kind === 'events'
      ? entry.open({ ...split, frames, splitBy: 'number' })
      : entry.open(split));
    return evaluationData(firstSamples(source, samples), { batchSize: 64 });
  }
  const place = { partial, ...(set === undefined && { data }) };
  return heldOutData(recipeFor(name, given, own), samples, place);
}

/** The class of each sample. */
const classesOf = (model: tf.LayersModel, x: tf.Tensor) =>
  tf.tidy(() => logitsOf(model, x, false).argMax(-1)).data();

async function compare(
  before: tf.LayersModel,
  after: tf.LayersModel,
  data: EvaluationData,
): Promise<Agreement> {
  const bar = showProgress('comparing', data.length, process.stderr);
  const signal = abortOnInterrupt();
  let [samples, rightBefore, rightAfter, changed] = [0, 0, 0, 0];
  try {
    for await (const { data: numbers, shape, labels } of data.batches()) {
      signal.throwIfAborted();
      const x = tf.tensor(numbers, shape);
      const [old, now] = [await classesOf(before, x), await classesOf(after, x)];
      x.dispose();
      for (const [i, label] of labels.entries()) {
        if (old[i] === label) rightBefore++;
        if (now[i] === label) rightAfter++;
        if (old[i] !== now[i]) changed++;
      }
      samples += labels.length;
      bar.update(samples);
      await tf.nextFrame(); // lets Ctrl-C through
    }
  } finally {
    bar.stop();
  }
  if (samples === 0) throw new Error('data must have at least one sample, but has none');
  return { samples, before: rightBefore / samples, after: rightAfter / samples, changed };
}

const count = (n: number) => n.toLocaleString('en-US');

/** A row for each class of layers and form of storage: bytes, and the weight that moved most. */
function table(weights: readonly models.QuantizedWeight[]): string[] {
  const rows = new Map<string, { bytes: number; moved: models.QuantizedWeight }>();
  for (const weight of weights) {
    const head = weight.layer.padEnd(18) + weight.format;
    const { bytes, moved } = rows.get(head) ?? { bytes: 0, moved: weight };
    rows.set(head, {
      bytes: bytes + weight.bytes,
      moved: weight.error > moved.error ? weight : moved,
    });
  }
  const body = [...rows].map(([head, { bytes, moved }]) => {
    const { error, largest } = moved;
    const change = error === 0 ? '' : `  ${error.toPrecision(3)} of ${largest.toPrecision(3)}`;
    return head.padEnd(36) + count(bytes).padStart(14) + change;
  });
  return [`${'layer'.padEnd(18)}${'stored as'.padEnd(27)}bytes  largest error`, ...body];
}

function text({ model, to, bytes, weights, accuracy, output }: Report): string {
  const share = percent(bytes.after / bytes.before);
  return [
    `${model} to ${to}`,
    `weights: ${count(bytes.before)} bytes, now ${count(bytes.after)} (${share})`,
    ...table(weights),
    accuracy
      ? `accuracy: ${percent(accuracy.before)}, now ${percent(accuracy.after)} of ${count(accuracy.samples)}; ` +
        `another class for ${count(accuracy.changed)} (${percent(accuracy.changed / accuracy.samples)})`
      : 'accuracy: not measured; --data, --recipe or --samples measures it',
    'written',
    ...output.map(
      (file) => `  ${file.path}\n    ${count(file.bytes)} bytes, SHA-256 ${file.sha256}`,
    ),
  ].join('\n');
}
