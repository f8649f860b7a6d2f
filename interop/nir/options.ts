/** What a NIR file does not say and its reader must decide. */
import { checkKeys, checkOneOf, checkPositive } from '../../lib/validate';
import type { Hdf5 } from './_hdf5';
import { type CubaReading, cubaReadings, type Reset, resets } from './_neuron';

/** Options of `readNir`: what a NIR file leaves open. */
export interface NirOptions {
  /** Time per step, in the unit of the file's time constants, seconds as a rule. Default: the file's own, if this library wrote it, else 1e-4. */
  dt?: number;
  /**
   * What a spike does to the membrane: 'zero' (default) sets it to v_reset, 'subtract' takes v_threshold off;
   * 'multi-spike', as Sinabs simulates, fires floor(v / v_threshold) times in a step and takes off as many. A file of
   * this library's says so itself.
   */
  reset?: Reset;
  /** Whether the membrane of a CubaLIF or CubaLI takes the current after this step's input ('new', default, as snnTorch) or before it ('old'). */
  cubaReading?: CubaReading;
  /** How the leak is stepped: 'euler' (default), by dt / tau, or 'exponential', by 1 - exp(-dt / tau). */
  integration?: 'euler' | 'exponential';
  /** The module h5wasm; in bundles and from CommonJS it must be given: `await import('h5wasm')`. */
  h5wasm?: Hdf5;
}

/** Complete. */
export type ReadOptions = Required<Omit<NirOptions, 'h5wasm'>>;

const DT = 1e-4;

/** The checked options, complete; `own` is what the file says. */
export function resolveOptions(options: NirOptions, own: { dt?: number } = {}): ReadOptions {
  const { dt = own.dt ?? DT, reset = 'zero', cubaReading = 'new', integration = 'euler' } = options;
  checkKeys('readNir', options, ['dt', 'reset', 'cubaReading', 'integration', 'h5wasm']);
  checkPositive('dt', dt);
  checkOneOf('reset', reset, resets);
  checkOneOf('cubaReading', cubaReading, cubaReadings);
  checkOneOf('integration', integration, ['euler', 'exponential']);
  return { dt, reset, cubaReading, integration };
}
