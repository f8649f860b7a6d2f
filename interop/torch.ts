/** Weights between a model and the authors' PyTorch state_dict, channels last here and first there. */
import * as tf from '@tensorflow/tfjs';
import { torchEntries } from '../models/families';
import type { TorchEntry } from '../models/torch_names';
import { keepTensors, keptTorchTensors } from './kept_tensors';
import {
  emptyStateDict,
  type StateDict,
  type StateDictLike,
  type StateTensorLike,
} from './state_dict';
import { toFloat32 } from './torch_file/half';

/** Options of `loadTorchStateDict`. */
export interface LoadOptions {
  /** Whether missing, unexpected or mismatched tensors are an error, in which case nothing is loaded. Default true. */
  strict?: boolean;
}

/** What did not fit: keys, for `mismatched` with both shapes. */
export interface LoadReport {
  missing: string[];
  unexpected: string[];
  mismatched: string[];
}

const size = tf.util.sizeFromShape;

/** Equal except for trailing ones: a 1x1 convolution is a linear map. */
function fits({ shape }: TorchEntry, tensor: StateTensorLike): boolean {
  const rank = Math.max(shape.length, tensor.shape.length);
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return (
    axes.every((axis) => (shape[axis] ?? 1) === (tensor.shape[axis] ?? 1)) &&
    tensor.data.length === size(shape)
  );
}

/**
 * (out, in, ...sides) as [...sides, in, out], or back: both are a matrix transposed in two halves. Bits
 * are moved, not numbers, so that a NaN stays the one it was.
 */
function reorder(data: Uint32Array, out: number, inner: number, sides: number, toTorch: boolean) {
  const result = new Uint32Array(data.length);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inner; i++) {
      for (let s = 0; s < sides; s++) {
        const torch = (o * inner + i) * sides + s;
        const ours = (s * inner + i) * out + o;
        if (toTorch) result[torch] = data[ours]!;
        else result[ours] = data[torch]!;
      }
    }
  }
  return result;
}

/** A weight's numbers in the other layout; vectors and tables stay. */
function relayout(
  data: Float32Array,
  { shape, sameLayout }: TorchEntry,
  toTorch: boolean,
): Float32Array {
  if (shape.length < 2 || sameLayout) return data;
  const [out, inner, ...sides] = shape as [number, number, ...number[]];
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return new Float32Array(reorder(bits, out, inner, size(sides), toTorch).buffer);
}

/**
 * Loads a state_dict with the authors' key names into a model. The authors' unused LayerNorms and batch counters are
 * recognized and not loaded, but stored with the model and in its files for toTorchStateDict (see keptTorchTensors).
 * Keys may begin with 'module.' (DataParallel). Throws if `strict` and something does not fit.
 *
 * ```ts
 * const model = spiking.models.create('spikingformer-4-384-cifar10');
 * spiking.interop.loadTorchStateDict(model, spiking.interop.readSafetensors(bytes));
 * ```
 */
export function loadTorchStateDict(
  model: tf.LayersModel,
  stateDict: StateDictLike,
  { strict = true }: LoadOptions = {},
): LoadReport {
  const given = new Map(
    Object.entries(stateDict).map(([key, tensor]) => [key.replace(/^module\./, ''), tensor]),
  );
  const entries = torchEntries(model);
  const known = new Set(entries.map(({ key }) => key));
  const needed = entries.filter(({ variable }) => variable !== null);
  const misfits = needed.filter((entry) => {
    const tensor = given.get(entry.key);
    return tensor && !fits(entry, tensor);
  });
  const report: LoadReport = {
    missing: needed.map(({ key }) => key).filter((key) => !given.has(key)),
    unexpected: [...given.keys()].filter((key) => !known.has(key)),
    mismatched: misfits.map(
      ({ key, shape }) =>
        `${key}: the model has [${shape}], the state dict [${given.get(key)!.shape}]`,
    ),
  };
  if (strict) throwIfAny(report);
  for (const entry of needed) {
    const tensor = given.get(entry.key);
    if (tensor && !misfits.includes(entry)) assign(entry, tensor);
  }
  keepTensors(model, unusedTensors(entries, given));
  return report;
}

/** What the authors' code owns but never uses, if it has the right shape. */
function unusedTensors(entries: TorchEntry[], given: Map<string, StateTensorLike>): StateDictLike {
  const unused: StateDictLike = Object.create(null);
  for (const { key, shape, variable } of entries) {
    const tensor = given.get(key);
    if (variable === null && tensor && shape.join() === tensor.shape.join()) unused[key] = tensor;
  }
  return unused;
}

function throwIfAny(report: LoadReport): void {
  const lines = Object.entries(report)
    .filter(([, keys]) => keys.length > 0)
    .map(([kind, keys]: [string, string[]]) => {
      const more = keys.length > 8 ? `, and ${keys.length - 8} more` : '';
      return `${kind}: ${keys.slice(0, 8).join(', ')}${more}`;
    });
  if (lines.length > 0) {
    throw new Error(
      `The state dict does not fit the model, and nothing was loaded. ${lines.join('; ')}`,
    );
  }
}

function assign(entry: TorchEntry, tensor: StateTensorLike): void {
  const { variable } = entry;
  const data = relayout(toFloat32(tensor), entry, false);
  const value = tf.tensor(data, variable!.shape as number[], 'float32');
  variable!.write(value);
  value.dispose();
}

/**
 * A model's weights as the authors' complete state_dict, with their keys, order and layouts. What their code owns but
 * never uses is as it was loaded (see keptTorchTensors), or else as in a fresh module (LayerNorm weight 1, bias 0,
 * batch counters 0).
 */
export function toTorchStateDict(model: tf.LayersModel): StateDict {
  const stateDict = emptyStateDict();
  const kept = keptTorchTensors(model);
  for (const entry of torchEntries(model)) {
    const { key, shape, variable, fill, dtype } = entry;
    if (variable === null && kept[key]?.shape.join() === shape.join()) {
      stateDict[key] = kept[key];
    } else if (dtype === 'I64') {
      stateDict[key] = { shape, dtype, data: new BigInt64Array(size(shape)).fill(BigInt(fill)) };
    } else {
      const data = variable
        ? relayout(Float32Array.from(variable.read().dataSync()), entry, true)
        : new Float32Array(size(shape)).fill(fill);
      stateDict[key] = { shape, dtype, data };
    }
  }
  return stateDict;
}
