/** Neurons as NIR nodes, so that a reader who fires at v > v_threshold fires as they do. */
import * as tf from '@tensorflow/tfjs';
import type { Numbers, Tree } from './_hdf5';
import { type NirNeuron, neuronTypes } from './_neuron';
import { below, channelsFirst } from './_parameters';

/** A node as its file has it. */
export interface NodeTree extends Tree {
  type: string;
}

/** A parameter as NIR has it, each neuron's own, channels first. `shape` is `[..., channels]`. */
export function parameter(
  value: tf.Tensor | number,
  shape: readonly number[],
  convert: (value: number) => number = (value) => value,
): Numbers {
  const data = tf.tidy(() => {
    const whole = tf.broadcastTo(value, [...shape]);
    return whole.transpose(channelsFirst([...shape.keys()])).dataSync();
  });
  return { shape: channelsFirst(shape), data: Float64Array.from(data, convert), dtype: 'float64' };
}

/** The neurons of this library: one set of parameters. */
interface NeuronConfig {
  vThreshold: number;
  vReset: number | null;
  tau?: number;
  decayInput?: boolean;
}

/** The time constant of a ParametricLIFNode, in time steps: 1 / sigmoid(w). */
function learntTau(layer: tf.layers.Layer): number | undefined {
  const [w] = layer.getWeights();
  return w && 1 + Math.exp(-w.dataSync()[0]!);
}

/** An IFNode's, LIFNode's or ParametricLIFNode's. */
export function ownNeuronNode(layer: tf.layers.Layer, shape: number[], dt: number): NodeTree {
  const config = layer.getConfig() as unknown as NeuronConfig;
  const { vThreshold, vReset, decayInput = true, tau = learntTau(layer) } = config;
  const all = (value: number): Numbers => {
    const data = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value);
    return { shape: channelsFirst(shape), data, dtype: 'float64' };
  };
  const rest = vReset ?? 0;
  const fires = { v_threshold: all(below(Math.fround(vThreshold))), v_reset: all(rest) };
  const metadata = { reset: vReset === null ? 'subtract' : 'zero', begins: 'at rest' };
  if (layer.getClassName() === 'IFNode') return { type: 'IF', r: all(1), ...fires, metadata };
  const leak = { tau: all(tau! * dt), v_leak: all(rest), r: all(decayInput ? 1 : tau!) };
  return { type: 'LIF', ...leak, ...fires, metadata };
}

/** That of a neuron that was read. */
export function nirNeuronNode(neuron: NirNeuron, shape: number[], dt: number): NodeTree {
  const { type, reset, cubaReading } = neuron.options;
  const weights = neuron.getWeights();
  const parameters = neuronTypes[type].map((key, i) => {
    const steps = (tau: number) => tau * dt;
    const threshold = reset === 'multi-spike' ? undefined : below;
    const convert = key.startsWith('tau') ? steps : key === 'v_threshold' ? threshold : undefined;
    return [key, parameter(weights[i]!, shape, convert)];
  });
  const metadata = { reset, cuba_reading: cubaReading };
  return { type, ...Object.fromEntries(parameters), metadata };
}
