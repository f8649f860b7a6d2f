/** NIR's neurons with parameters of their own for each neuron, as a layer (Pedersen et al., Nature Communications 2024). */
import * as tf from '@tensorflow/tfjs';
import {
  type CallArgs,
  checkLayerKeys,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from '../../layers/layer';
import { emitSpikes } from '../../layers/spikes';
import { spike } from '../../lib/spike';
import { checkOneOf, invalid } from '../../lib/validate';

/** Parameters of each type, those that it fires by last. */
export const neuronTypes = {
  I: ['r'],
  IF: ['r', 'v_threshold', 'v_reset'],
  LI: ['r', 'tau', 'v_leak'],
  LIF: ['r', 'tau', 'v_leak', 'v_threshold', 'v_reset'],
  CubaLI: ['r', 'tau_mem', 'tau_syn', 'v_leak', 'w_in'],
  CubaLIF: ['r', 'tau_mem', 'tau_syn', 'v_leak', 'w_in', 'v_threshold', 'v_reset'],
} as const;
export type NeuronType = keyof typeof neuronTypes;

export const resets = ['zero', 'subtract', 'multi-spike'] as const;
export type Reset = (typeof resets)[number];
export const cubaReadings = ['new', 'old'] as const;
export type CubaReading = (typeof cubaReadings)[number];

export interface NirNeuronConfig extends LayerArgs {
  /** In lower case too, as tfjs's model files change texts with capitals. */
  type: string;
  /** Shapes of its weights, in the order of `neuronTypes`: that of the input without batch and time, or one that broadcasts to it. */
  shapes: number[][];
  reset: Reset;
  cubaReading: CubaReading;
}

/** Membranes `v` and, of Cuba neurons, currents `i`. */
export interface NeuronState {
  v: tf.Tensor;
  i: tf.Tensor;
}

/**
 * `[batch, time, ...]` -> the same shape: spikes, or membranes of the types that do not fire. Its weights are NIR's
 * parameters, time constants in time steps, v_threshold the least membrane that fires.
 *   v = v + (r x - (v - v_leak)) / tau; of Cuba types r i in the place of r x, i = i + (w_in x - i) / tau_syn
 */
export class NirNeuron extends tf.layers.Layer {
  static className = 'NirNeuron';
  readonly options: Pick<NirNeuronConfig, 'shapes' | 'reset' | 'cubaReading'> & {
    type: NeuronType;
  };
  private parameters: Record<string, tf.LayerVariable> = {};

  constructor(config: NirNeuronConfig) {
    checkLayerKeys('NirNeuron', config, ['type', 'shapes', 'reset', 'cubaReading']);
    super(config);
    const { shapes, reset, cubaReading } = config;
    const names = Object.keys(neuronTypes) as NeuronType[];
    const type = names.find((name) => name.toLowerCase() === config.type?.toLowerCase());
    if (!type) throw invalid('type', `one of ${names.join(', ')}`, config.type);
    checkOneOf('reset', reset, resets);
    checkOneOf('cubaReading', cubaReading, cubaReadings);
    if (shapes?.length !== neuronTypes[type].length) {
      throw invalid('shapes', `those of ${neuronTypes[type].join(', ')}`, shapes);
    }
    this.options = { type, shapes, reset, cubaReading };
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    if (oneShape(inputShape).length < 3) {
      throw invalid(`The input of ${this.name}`, 'of shape [batch, time, ...neurons]', inputShape);
    }
    const { type, shapes } = this.options;
    for (const [i, name] of neuronTypes[type].entries()) {
      const ones = tf.initializers.ones();
      this.parameters[name] = this.addWeight(name, shapes[i]!, 'float32', ones);
    }
    this.built = true;
  }

  /** Before the first step, for input of that shape at each. */
  start(shape: number[]): NeuronState {
    return { v: tf.zeros(shape), i: tf.zeros(shape) };
  }

  /** One time step: what it gives, and the state after it. */
  step(x: tf.Tensor, { v, i }: NeuronState): [y: tf.Tensor, state: NeuronState] {
    const { type, cubaReading } = this.options;
    const p = Object.fromEntries(
      Object.entries(this.parameters).map(([name, variable]) => [name, variable.read()]),
    ) as Record<string, tf.Tensor>;
    let [current, drive] = [i, x.mul(p.r!)];
    if (p.tau_syn) {
      current = i.add(x.mul(p.w_in!).sub(i).div(p.tau_syn));
      drive = (cubaReading === 'new' ? current : i).mul(p.r!);
    }
    const tau = p.tau ?? p.tau_mem;
    const h = tau ? v.add(drive.sub(v.sub(p.v_leak!)).div(tau)) : v.add(drive);
    if (!('v_threshold' in p)) return [h, { v: h, i: current }];
    const [s, after] = this.fire(h, p.v_threshold!, p.v_reset!);
    return [s, { v: after, i: type === 'CubaLIF' ? current : i }];
  }

  private fire(h: tf.Tensor, threshold: tf.Tensor, rest: tf.Tensor): [s: tf.Tensor, v: tf.Tensor] {
    const { reset } = this.options;
    if (reset === 'multi-spike') {
      const count = h.div(threshold).floor().maximum(0);
      return [count, h.sub(count.mul(threshold))];
    }
    const s = spike(h.sub(threshold));
    if (reset === 'subtract') return [s, h.sub(s.mul(threshold))];
    return [s, h.mul(tf.sub(1, s)).add(s.mul(rest))];
  }

  /** @internal Tells who observes; counts of several spikes are none of theirs. */
  emit(y: tf.Tensor): void {
    const { type, reset } = this.options;
    if (type.endsWith('IF') && reset !== 'multi-spike') emitSpikes(this, y);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const y = overTime(oneTensor(inputs), this, (x, state) => this.step(x, state));
      this.emit(y);
      return y;
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options, type: this.options.type.toLowerCase() };
  }
}

/** Steps through the time axis of x, the state of a neuron handed on. */
export function overTime(
  x: tf.Tensor,
  neuron: NirNeuron,
  step: (x: tf.Tensor, state: NeuronState) => [y: tf.Tensor, state: NeuronState],
): tf.Tensor {
  const steps = tf.unstack(x, 1);
  let state = neuron.start(steps[0]!.shape);
  const outputs = steps.map((xt) => {
    const [y, next] = step(xt, state);
    state = next;
    return y;
  });
  return tf.stack(outputs, 1);
}

register(NirNeuron);
