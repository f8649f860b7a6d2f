/** NIR's neurons as layers: of one parameter set IF and LIF become this library's own, with their kernels. */
import type * as tf from '@tensorflow/tfjs';
import { IFNode } from '../../layers/if_node';
import { LIFNode } from '../../layers/lif_node';
import type { Built } from './_build';
import { metadataOf, type NirNode, numbersOf } from './_graph';
import {
  type CubaReading,
  cubaReadings,
  type NeuronType,
  NirNeuron,
  neuronTypes,
  type Reset,
  resets,
} from './_neuron';
import { above, weightTensor } from './_parameters';
import { NirError } from './nir_error';
import type { ReadOptions } from './options';

export const isNeuron = (type: string): type is NeuronType => Object.hasOwn(neuronTypes, type);

const zero = { shape: [], data: Float64Array.of(0) };
const one = { shape: [], data: Float64Array.of(1) };
/** What files may leave out. */
const fallbacks: Record<string, typeof zero> = { v_reset: zero, w_in: one };

/** What a spike does to the membrane: the file says it if this library wrote it. */
function resetOf(node: NirNode, options: ReadOptions): Reset {
  const own = metadataOf(node).reset;
  return resets.includes(own as Reset) ? (own as Reset) : options.reset;
}

/** Time constants in time steps. */
function stepsOf(tau: number, { dt, integration }: ReadOptions): number {
  return integration === 'euler' ? tau / dt : -1 / Math.expm1(-dt / tau);
}

/** A node's parameters if each is one number for all of its neurons. */
function uniform(node: NirNode): Record<string, number> | null {
  const entries = neuronTypes[node.type as NeuronType].map((key) => {
    const { data } = numbersOf(node, key, fallbacks[key]);
    return [key, Array.from(data).every((value) => value === data[0]) ? data[0]! : Number.NaN];
  });
  const parameters = Object.fromEntries(entries) as Record<string, number>;
  return Object.values(parameters).some(Number.isNaN) ? null : parameters;
}

/** An IFNode or LIFNode that does the same, if there is one. */
function ownNeuron(node: NirNode, options: ReadOptions): tf.layers.Layer | null {
  const p = uniform(node);
  const reset = resetOf(node, options);
  if (!p || reset === 'multi-spike') return null;
  const vReset = reset === 'subtract' ? null : p.v_reset!;
  const common = { name: node.name, vThreshold: above(p.v_threshold!), vReset };
  const rest = vReset ?? 0;
  // NIR's membranes begin at 0, those of this library at rest.
  const begins = rest === 0 || metadataOf(node).begins === 'at rest';
  if (!begins || common.vThreshold <= rest) return null;
  if (node.type === 'IF') return p.r === 1 ? new IFNode(common) : null;
  const tau = stepsOf(p.tau!, options);
  const decays = p.r === 1 ? true : Math.fround(p.r!) === Math.fround(tau) ? false : null;
  if (node.type !== 'LIF' || p.v_leak !== rest || decays === null || !(tau > 1)) return null;
  return new LIFNode({ ...common, tau, decayInput: decays });
}

function checkTimeConstants(node: NirNode): void {
  for (const key of neuronTypes[node.type as NeuronType]) {
    if (!key.startsWith('tau')) continue;
    const bad = Array.from(numbersOf(node, key).data).find((tau) => !(tau > 0));
    if (bad !== undefined)
      throw new NirError(
        `${key} of node ${node.name} (${node.type}) must be positive, but got ${bad}`,
      );
  }
}

/** The layer of a neuron. `inLoop`: one that is stepped from outside, which this library's own are not. */
export function buildNeuron(
  node: NirNode,
  shape: number[],
  options: ReadOptions,
  inLoop = false,
): Built {
  checkTimeConstants(node);
  const type = node.type as NeuronType;
  const reset = resetOf(node, options);
  const weights = neuronTypes[type].map((key) => {
    const steps = (tau: number) => stepsOf(tau, options);
    const threshold = reset === 'multi-spike' ? undefined : 'above';
    const convert = key.startsWith('tau') ? steps : key === 'v_threshold' ? threshold : undefined;
    return weightTensor(node, key, shape, convert, fallbacks[key]);
  });
  const own =
    inLoop || !type.endsWith('IF') || type === 'CubaLIF' ? null : ownNeuron(node, options);
  if (own) {
    for (const weight of weights) weight.dispose();
    return { layer: own, weights: [] };
  }
  const shapes = weights.map(({ shape }) => shape);
  const reading = metadataOf(node).cuba_reading;
  const cubaReading = cubaReadings.includes(reading as CubaReading)
    ? (reading as CubaReading)
    : options.cubaReading;
  return { layer: new NirNeuron({ name: node.name, type, shapes, reset, cubaReading }), weights };
}
