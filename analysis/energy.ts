/**
 * Energy of inference under named assumptions: the numbers of multiply-accumulates (MACs) and, if the input is spikes,
 * accumulates (ACs), times the cost of each, compared with the same network without spikes.
 */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import type { GatedTerm } from '../layers/operations';
import { checkFinite, checkKeys, checkOneOf, invalid } from '../lib/validate';
import {
  type Activity,
  type ActivityOptions,
  measureActivity,
  type TensorActivity,
} from './activity';
import {
  type CountOptions,
  countOperations,
  type LayerOperations,
  type OperationCount,
} from './operations';

/** The cost of an operation, and the source of that number. */
export interface EnergyAssumptions {
  name: string;
  /** Picojoules per 32-bit multiply-accumulate. */
  macPJ: number;
  /** Picojoules per accumulate. */
  acPJ: number;
  source: string;
}

/** The assumptions that reports accept by name; the authors' are the default. */
export const energyAssumptions = {
  spikingformer: {
    name: 'spikingformer',
    macPJ: 4.6,
    acPJ: 0.9,
    source: '45 nm, float32 (Horowitz, ISSCC 2014), as in Spikformer and Spikingformer',
  },
  int8: {
    name: 'int8',
    macPJ: 0.23,
    acPJ: 0.03,
    source: '45 nm, 8-bit integers (Horowitz, ISSCC 2014): 0.2 pJ per product, 0.03 pJ per sum',
  },
} satisfies Record<string, EnergyAssumptions>;

/** Picojoules per read or write of 32 bits: half of Horowitz's figures (ISSCC 2014, 45 nm), which are for 64. */
export const memories = { 'sram-8k': 5, 'sram-32k': 10, 'sram-1m': 50, dram: 650 } as const;
export type MemoryName = keyof typeof memories;

/** Options of `energy` and `energyOf`. */
export interface EnergyOptions {
  /** One of `energyAssumptions` by name, or your own. Default 'spikingformer'. */
  assumptions?: keyof typeof energyAssumptions | EnergyAssumptions;
  /**
   * Where weights and membranes are stored; their accesses are then counted too. Default null: computing only, as in
   * the papers.
   */
  memory?: MemoryName | null;
  /**
   * How to count an input of whole numbers, such as Spikformer's sums of spikes: 'mac' (default), as in the authors'
   * counter, or 'ac', which sends a 2 as two spikes.
   */
  wholeNumbers?: 'mac' | 'ac';
}

/** A layer's share, per sample: operations, and energy in millijoules. */
export interface LayerEnergy {
  path: string;
  kind: string;
  /** Dense operations, all time steps. */
  operations: number;
  /** The kind of the input: 'real' counts MACs. */
  input: TensorActivity['kind'];
  /** Mean of the input; for spikes, their rate. For an attention, ACs / operations. */
  rate: number;
  macs: number;
  acs: number;
  /** Picojoules for computing. */
  computePJ: number;
  /** Picojoules for memory accesses; 0 unless `memory` is set. */
  memoryPJ: number;
  /** The same layer without spikes, run once. */
  dense: { macs: number; computePJ: number; memoryPJ: number };
}

/** Sums over all layers, per sample: operations, and energy in millijoules. */
export interface EnergyTotals {
  macs: number;
  acs: number;
  computeMJ: number;
  memoryMJ: number;
  totalMJ: number;
}

/** The energy of one sample on average, layer by layer and in total, beside the same network without spikes. */
export interface EnergyReport {
  assumptions: EnergyAssumptions & { memory: string; wholeNumbers: 'mac' | 'ac' };
  layers: LayerEnergy[];
  totals: EnergyTotals;
  /** The same network without spikes: every layer runs once, with MACs only. */
  dense: EnergyTotals;
  /** totals.totalMJ / dense.totalMJ */
  ratio: number;
  /** Layers that were not counted, by path. */
  uncounted: string[];
}

const optionKeys = ['assumptions', 'memory', 'wholeNumbers'];

function resolve(options: EnergyOptions) {
  const { assumptions: given = 'spikingformer', memory = null, wholeNumbers = 'mac' } = options;
  const names = Object.keys(energyAssumptions) as (keyof typeof energyAssumptions)[];
  if (typeof given === 'string') checkOneOf('assumptions', given, names);
  const assumptions: EnergyAssumptions =
    typeof given === 'string' ? energyAssumptions[given] : given;
  for (const key of ['macPJ', 'acPJ'] as const) {
    checkFinite(`assumptions.${key}`, assumptions[key]);
    if (assumptions[key] < 0) throw invalid(`assumptions.${key}`, 'not negative', assumptions[key]);
  }
  if (memory !== null) checkOneOf('memory', memory, Object.keys(memories) as MemoryName[]);
  checkOneOf('wholeNumbers', wholeNumbers, ['mac', 'ac']);
  return { assumptions, wholeNumbers, memory, accessPJ: memory ? memories[memory] : 0 };
}

/** Firing rates by path, for rates from another source. A path without a rate has a real-valued input. */
export type Rates = ReadonlyMap<string, number>;

function inputOf(activity: Activity | Rates, path: string): Pick<TensorActivity, 'kind' | 'mean'> {
  if ('inputs' in activity) {
    const input = activity.inputs.get(path) ?? activity.neurons.get(path);
    if (!input)
      throw new Error(`activity has no input for layer ${path}: was it measured on another model?`);
    return input;
  }
  const rate = activity.get(path);
  if (rate !== undefined && !(rate >= 0 && rate <= 1)) {
    throw invalid(`The rate of ${path}`, 'a number from 0 to 1', rate);
  }
  return rate === undefined ? { kind: 'real', mean: 1 } : { kind: 'spikes', mean: rate };
}

/** The shares that neurons gate; a count from another source may have an attention's factors instead. */
function termsOf({ terms, factors }: LayerOperations): GatedTerm[] | undefined {
  if (terms || !factors) return terms;
  const [a, b, c] = factors;
  return [
    { share: 0.5, gates: [a, b] },
    { share: 0.5, gates: [c] },
  ];
}

/** The share of operations that run: for a product of spikes, at most the lower of the two rates. */
function gatedRate(path: string, terms: readonly GatedTerm[], activity: Activity | Rates): number {
  const rateOf = (gate: string) => {
    if (!('inputs' in activity) && !activity.has(gate)) {
      throw new Error(`rates must have an entry for ${gate}, a factor of ${path}, but got none`);
    }
    return inputOf(activity, gate).mean;
  };
  return terms.reduce((sum, { share, gates }) => sum + share * Math.min(...gates.map(rateOf)), 0);
}

/**
 * Energy of one sample from counts and activity (`measureActivity`), or from firing rates by path: those of the inputs
 * of convolutions and linear maps, and of 'attn/q_lif' and so on for attention.
 *
 * MACs: operations with real input. ACs: operations times the input's rate; for an attention, whose first product has
 * two spike factors, operations / 2 times (the lower of those two rates + the rate of the third).
 */
export function energyOf(
  { layers, neuronSteps, uncounted }: OperationCount,
  activity: Activity | Rates,
  options: EnergyOptions = {},
): EnergyReport {
  checkKeys('energyOf', options, optionKeys);
  const { assumptions, wholeNumbers, memory, accessPJ } = resolve(options);
  const { macPJ, acPJ } = assumptions;
  const rows = layers.map((layer): LayerEnergy => {
    const { path, kind, operations, timeSteps, outputs } = layer;
    const terms = termsOf(layer);
    const input = terms
      ? { kind: 'spikes' as const, mean: gatedRate(path, terms, activity) }
      : inputOf(activity, path);
    const spiking = input.kind === 'spikes' || (input.kind === 'whole' && wholeNumbers === 'ac');
    const macs = spiking ? 0 : operations;
    const acs = spiking ? operations * input.mean : 0;
    const denseMacs = operations / timeSteps;
    return {
      path,
      kind,
      operations,
      input: input.kind,
      rate: input.mean,
      macs,
      acs,
      computePJ: macs * macPJ + acs * acPJ,
      // A MAC reads a weight and an input; an accumulate reads a weight, and reads and writes a membrane.
      memoryPJ: (2 * macs + 3 * acs + outputs) * accessPJ,
      dense: {
        macs: denseMacs,
        computePJ: denseMacs * macPJ,
        memoryPJ: (2 * denseMacs + outputs / timeSteps) * accessPJ,
      },
    };
  });
  const sum = (value: (row: LayerEnergy) => number) => rows.reduce((s, row) => s + value(row), 0);
  const total = (macs: number, acs: number, computePJ: number, memoryPJ: number): EnergyTotals => ({
    macs,
    acs,
    computeMJ: computePJ * 1e-9,
    memoryMJ: memoryPJ * 1e-9,
    totalMJ: (computePJ + memoryPJ) * 1e-9,
  });
  const totals = total(
    sum((row) => row.macs),
    sum((row) => row.acs),
    sum((row) => row.computePJ),
    // Every neuron leaks at every step: its membrane is read and written.
    sum((row) => row.memoryPJ) + 2 * neuronSteps * accessPJ,
  );
  const dense = total(
    sum((row) => row.dense.macs),
    0,
    sum((row) => row.dense.computePJ),
    sum((row) => row.dense.memoryPJ),
  );
  return {
    assumptions: { ...assumptions, memory: memory ?? 'not counted', wholeNumbers },
    layers: rows,
    totals,
    dense,
    ratio: totals.totalMJ / dense.totalMJ,
    uncounted,
  };
}

/**
 * A model's mean energy per sample on x `[samples, ...]`.
 *
 * ```ts
 * const report = energy(model, images);
 * console.log(energyTable(report));
 * ```
 */
export function energy(
  model: tf.LayersModel,
  x: tf.Tensor,
  options: EnergyOptions & CountOptions & ActivityOptions = {},
): EnergyReport & { activity: Activity } {
  const countKeys = ['attentionHeads'];
  const activityKeys = ['batchSize', 'training', 'onProgress'];
  checkKeys('energy', options, [...optionKeys, ...countKeys, ...activityKeys]);
  const count = countOperations(model, pick(options, countKeys));
  const activity = measureActivity(model, x, pick(options, activityKeys));
  return { ...energyOf(count, activity, pick(options, optionKeys)), activity };
}
