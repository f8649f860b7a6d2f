/** `spikingformer convert`: weights between PyTorch checkpoints, safetensors and tfjs model files, and ONNX files of networks. */
import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as interop from '../interop/index';
import { isUnusedKey } from '../models/families';
import * as models from '../models/index';
import { writeAtomically } from '../node/files/files';
import { isRecord } from '../node/files/json';
import { fileHandler, openCheckpointFile } from '../node/index';
import { matchByPart, type PartMatch, showMatch } from './_match';
import { openModel, parseConfig, placeOfModel } from './_model';
import type { WhichCheckpoint } from './_run_folder';
import {
  exists,
  type FileSum,
  type Format,
  holdsNetwork,
  outputFormat,
  sums,
} from './_weight_files';
import { UsageError } from './shared/errors';

export interface ConvertArguments {
  checkpoint?: WhichCheckpoint;
  preset?: string;
  config?: string;
  key?: string;
  ema?: boolean;
  strict?: boolean;
  force?: boolean;
  json?: boolean;
  ignoreUnknownClasses?: boolean;
}

/** What was converted, as --json prints it. */
interface Conversion {
  input: FileSum[];
  output: FileSum[];
  from: Format;
  to: Format;
  network?: interop.RecognizedPreset;
  parts: PartMatch[];
  missing: string[];
  mismatched: string[];
  unexpected: string[];
  notes: string[];
}

/** The content of an input, its tensors in memory. */
interface Weights {
  format: Format;
  /** Absent for a preset, whose weights are in no file. */
  path?: string;
  stateDict: interop.StateDict;
  stateDictEma?: interop.StateDict;
  extraState?: Record<string, unknown>;
  meta: Record<string, unknown>;
  /** The model, if the input was one. */
  model?: tf.LayersModel;
}

export async function convert(
  input: string,
  output: string,
  options: ConvertArguments,
): Promise<void> {
  const to = outputFormat(output);
  const config = parseConfig(options.config);
  const { kind } = placeOfModel(input);
  if ((kind === 'model' || kind === 'trained') && to === 'tfjs') {
    throw new UsageError('IN and OUT are both tfjs models: there is nothing to convert');
  }
  if (resolve(input) === resolve(output)) throw new UsageError('IN and OUT must differ');
  if (exists(output, to) && !options.force) {
    throw new UsageError(`${output} exists: --force replaces it`);
  }
  await tf.ready();
  const notes: string[] = [];
  const weights =
    kind === 'weights'
      ? await readFile(input, to, options, notes)
      : await readModel(input, to, options, notes);
  const match: Match | undefined = weights.model
    ? { model: weights.model, report: { missing: [], unexpected: [], mismatched: [] } }
    : matchNetwork(weights, to, { ...options, config }, notes);
  check(match?.report, to, options.strict === true);

  // The options that the weights do not show, so that converting back needs none; a script's args may have them all.
  const said = weights.format !== 'tfjs' && !options.preset && !options.config && to === 'torch';
  const args = match && !said ? interop.networkArgs(match.model) : {};
  await write(output, to, weights, match?.model, args);
  match?.model.dispose();
  const report = match?.report ?? { missing: [], unexpected: [], mismatched: [] };
  const conversion: Conversion = {
    input: weights.path === undefined ? [] : await sums(weights.path, weights.format),
    output: await sums(output, to),
    from: weights.format,
    to,
    ...(match?.network && { network: match.network }),
    parts: match ? matchByPart(Object.keys(weights.stateDict), report) : [],
    ...report,
    notes,
  };
  if (options.json) console.log(JSON.stringify(conversion, null, 2));
  else print(conversion);
}

async function readModel(
  input: string,
  to: Format,
  { checkpoint }: ConvertArguments,
  notes: string[],
): Promise<Weights> {
  const { model, from, fresh: isFresh } = await openModel(input, { checkpoint });
  const opened = { format: 'tfjs' as const, meta: {}, model, ...(!isFresh && { path: from }) };
  if (to === 'onnx') return { ...opened, stateDict: {} }; // Any network, including those of no family.
  const stateDict = interop.toTorchStateDict(model);
  const unused = Object.keys(stateDict).filter(isUnusedKey);
  const kept = interop.keptTorchTensors(model);
  const fresh = unused.filter((key) => !(key in kept));
  if (unused.length > fresh.length) {
    notes.push(
      `${unused.length - fresh.length} unused tensors, kept with the model, are written back`,
    );
  }
  if (fresh.length > 0) {
    notes.push(
      `${fresh.length} unused tensors (norm1, norm2, num_batches_tracked) are not stored with the model: ` +
        "they are written with PyTorch's defaults",
    );
  }
  return { ...opened, stateDict };
}

async function readFile(
  input: string,
  to: Format,
  options: ConvertArguments,
  notes: string[],
): Promise<Weights> {
  const file = await openCheckpointFile(input, {
    unknownClasses: options.ignoreUnknownClasses ? 'opaque' : 'error',
    ...(options.key !== undefined && { key: options.key }),
  });
  try {
    const { stateDictEma: ema, extraState = {}, meta } = file;
    if (!['', 'state_dict', 'model'].includes(file.key)) notes.push(`the weights are ${file.key}`);
    if (options.ema && !ema) throw new Error(`${input} has no averaged weights (state_dict_ema)`);
    const stateDict = await interop.readStateDict(options.ema ? ema! : file.stateDict);
    if (to === 'torch') {
      const both = ema && !options.ema ? { stateDictEma: await interop.readStateDict(ema) } : {};
      if (options.ema)
        notes.push('the averaged weights become state_dict; the others are left out');
      return {
        format: file.format,
        path: input,
        stateDict,
        ...both,
        extraState: (await inMemory(extraState)) as Weights['meta'],
        meta: (await inMemory(meta)) as Weights['meta'],
      };
    }
    const left = [
      ...(ema ? [options.ema ? 'state_dict' : 'state_dict_ema'] : []),
      ...Object.keys(extraState),
      ...Object.keys(meta),
    ];
    if (left.length > 0) notes.push(`left out: ${left.join(', ')}`);
    return { format: file.format, path: input, stateDict, meta };
  } finally {
    await file.close();
  }
}

/** A value of `meta` with its tensors read. */
async function inMemory(value: unknown): Promise<unknown> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return Promise.all(value.map(inMemory));
  if (value instanceof Set) return value;
  if (value instanceof Map) {
    return new Map(
      await Promise.all([...value].map(async ([k, v]) => [k, await inMemory(v)] as const)),
    );
  }
  if ('read' in value && typeof value.read === 'function') return value.read();
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) result[key] = await inMemory(item);
  return result;
}

/** A network with the weights loaded. */
interface Match {
  model: tf.LayersModel;
  report: interop.LoadReport;
  /** The network, if it was recognized. */
  network?: interop.RecognizedPreset;
}

/** Builds the network that the weights belong to, and loads them; a model needs this, a file does not. */
function matchNetwork(
  { stateDict, meta }: Weights,
  to: Format,
  options: Omit<ConvertArguments, 'config'> & { config: Partial<models.ModelConfig> },
  notes: string[],
): Match | undefined {
  const { preset, config } = options;
  let network: interop.RecognizedPreset;
  try {
    network = interop.recognizePreset(stateDict, {
      ...(preset !== undefined && { preset }),
      args: meta.args,
      config,
    });
  } catch (error) {
    const needed = holdsNetwork(to) || preset !== undefined || options.strict;
    if (needed) throw error;
    notes.push(`the network was not recognized: ${(error as Error).message}`);
    return undefined;
  }
  const model = models.create(network.preset, network.config);
  const report = interop.loadTorchStateDict(model, stateDict, { strict: false });
  const halves = Object.values(stateDict).filter(({ dtype }) => dtype !== 'F32' && dtype !== 'I64');
  if (holdsNetwork(to) && halves.length > 0) {
    notes.push(`${halves.length} tensors of other dtypes became float32`);
  }
  return { model, network, report };
}

/** A model must have all its weights; with --strict the input may have nothing else. */
function check(report: interop.LoadReport | undefined, to: Format, strict: boolean): void {
  if (!report) return;
  const wrong = [
    ...report.missing.map((key) => `${key} is missing`),
    ...report.mismatched,
    ...(strict ? report.unexpected.map((key) => `${key} is unexpected`) : []),
  ];
  if (wrong.length === 0 || (!holdsNetwork(to) && !strict)) return;
  const more = wrong.length > 8 ? `; and ${wrong.length - 8} more` : '';
  throw new Error(`the weights do not fit the network: ${wrong.slice(0, 8).join('; ')}${more}`);
}

async function write(
  output: string,
  to: Format,
  { stateDict, stateDictEma, extraState, meta }: Weights,
  model: tf.LayersModel | undefined,
  args: Record<string, unknown>,
): Promise<void> {
  const hasArgs = Object.keys(args).length > 0;
  if (to === 'tfjs') {
    await model!.save(fileHandler(output));
  } else if (to === 'onnx') {
    await writeAtomically(output, [await interop.toOnnx(model!)]);
  } else if (to === 'safetensors') {
    const metadata = { format: 'pt', ...(hasArgs && { args: JSON.stringify(args) }) };
    await writeAtomically(output, [interop.writeSafetensors(stateDict, metadata)]);
  } else if (/\.bin$/i.test(output)) {
    await writeAtomically(output, [
      interop.writeTorchCheckpoint(stateDict, {}, { stateDictKey: null }),
    ]);
  } else {
    // The authors' event scripts look for `model`, all others for `state_dict`.
    const stateDictKey = model?.inputs[0]?.shape.length === 5 ? 'model' : 'state_dict';
    const all = hasArgs ? { ...meta, args: { ...recordOf(meta.args), ...args } } : meta;
    const bytes = interop.writeTorchCheckpoint(stateDict, all, {
      stateDictKey,
      ...(stateDictEma && { stateDictEma }),
      ...(extraState && { extraState }),
    });
    await writeAtomically(output, [bytes]);
  }
}

/** A script's args, if they are a record. */
function recordOf(args: unknown): Record<string, unknown> {
  return isRecord(args) && !(args instanceof Map) ? args : {};
}

function print({ input, output, network, parts, notes, ...report }: Conversion): void {
  const show = ({ path, bytes, sha256 }: FileSum) =>
    console.log(`  ${path}\n    ${bytes.toLocaleString('en-US')} bytes, SHA-256 ${sha256}`);
  console.log(`read (${report.from})`);
  input.forEach(show);
  if (network) {
    const changes = JSON.stringify(network.config);
    console.log(`network ${network.preset}${changes === '{}' ? '' : ` with ${changes}`}`);
    for (const line of network.sources) console.log(`  ${line}`);
  }
  if (parts.length > 0) console.log(showMatch(parts));
  for (const kind of ['missing', 'mismatched', 'unexpected'] as const) {
    if (report[kind].length > 0) console.log(`${kind}: ${report[kind].join(', ')}`);
  }
  for (const note of notes) console.log(`note: ${note}`);
  console.log(`written (${report.to})`);
  output.forEach(show);
}
