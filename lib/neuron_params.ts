/** The options of IF, LIF and PLIF neurons, their defaults and checks. */
import type { NeuronAttrs } from './kernels/multi_step_lif';
import { type AnySurrogateName, getSurrogate, type SurrogateName } from './kernels/surrogate';
import { checkBoolean, checkFinite, checkKeys, checkPositive, invalid } from './validate';

/** Options that every integrate-and-fire neuron has. */
export interface IFParams {
  /** The membrane potential at which a neuron fires: s = h >= vThreshold. Default 1. SpikingJelly: v_threshold. */
  vThreshold?: number;
  /** The potential after a spike (hard reset), or null to subtract vThreshold (soft reset). Default 0. SpikingJelly: v_reset. */
  vReset?: number | null;
  /**
   * Whether the spike in the reset passes no gradient. Default true, as in the Spikingformer papers. SpikingJelly:
   * detach_reset, default False.
   */
  detachReset?: boolean;
  /** The surrogate gradient of the firing step. Default 'sigmoid'. SpikingJelly: surrogate_function. */
  surrogate?: AnySurrogateName;
  /** Sharpness of the surrogate. Default: the surrogate's own (sigmoid 4, atan 2, ...). */
  alpha?: number;
}

/** Options of a neuron with a learned time constant. */
export interface PLIFParams extends IFParams {
  /** Whether the input decays with the membrane: h = v + (x - (v - vReset)) / tau, or h = v - (v - vReset) / tau + x. Default true. SpikingJelly: decay_input. */
  decayInput?: boolean;
}

/** Options of a leaky neuron. */
export interface LIFParams extends PLIFParams {
  /** Membrane time constant in time steps, greater than 1. Default 2. */
  tau?: number;
}

const ifKeys = ['vThreshold', 'vReset', 'detachReset', 'surrogate', 'alpha'] as const;

/** The names of each neuron's options, for layers that pass them on. */
export const neuronKeys = {
  IF: ifKeys as readonly string[],
  PLIF: [...ifKeys, 'decayInput'] as readonly string[],
  LIF: [...ifKeys, 'decayInput', 'tau'] as readonly string[],
};

/** Checks a membrane time constant of a leaky neuron: greater than 1, in time steps. */
export function checkTimeConstant(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !(value > 1) || value === Infinity) {
    throw invalid(name, 'a finite number greater than 1 (time steps)', value);
  }
}

function resolve(params: LIFParams, tau: number, decayInput: boolean): NeuronAttrs {
  const { vThreshold = 1, vReset = 0, detachReset = true, surrogate = 'sigmoid' } = params;
  checkFinite('vThreshold', vThreshold);
  if (vReset !== null) {
    if (typeof vReset !== 'number' || !Number.isFinite(vReset)) {
      throw invalid('vReset', 'a finite number, or null for a soft reset', vReset);
    }
    if (vReset >= vThreshold) {
      throw invalid('vReset', `less than vThreshold (${vThreshold})`, vReset);
    }
  } else if (vThreshold <= 0) {
    throw invalid('vThreshold', 'positive if vReset is null (soft reset)', vThreshold);
  }
  checkBoolean('detachReset', detachReset);
  checkBoolean('decayInput', decayInput);
  const defaults = getSurrogate(surrogate);
  const { alpha = defaults.alpha } = params;
  checkPositive('alpha', alpha);
  // A user's surrogate name passes for a built-in one: no kernel receives it (see runMultiStepLIF).
  const name = surrogate as SurrogateName;
  return { tau, vThreshold, vReset, detachReset, decayInput, surrogate: name, alpha };
}

/** The complete parameters of an IF neuron. Throws on an unknown option or an invalid value. */
export function resolveIF(params: IFParams = {}): NeuronAttrs {
  checkKeys('An IF neuron', params, neuronKeys.IF);
  return resolve(params, Infinity, false);
}

/** The complete parameters of a PLIF neuron, except for the learned time constant. */
export function resolvePLIF(params: PLIFParams = {}): NeuronAttrs {
  checkKeys('A PLIF neuron', params, neuronKeys.PLIF);
  return resolve(params, Infinity, params.decayInput ?? true);
}

/** The complete parameters of a LIF neuron. */
export function resolveLIF(params: LIFParams = {}): NeuronAttrs {
  checkKeys('A LIF neuron', params, neuronKeys.LIF);
  const { tau = 2, decayInput = true } = params;
  checkTimeConstant('tau', tau);
  return resolve(params, tau, decayInput);
}
