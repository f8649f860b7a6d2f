/** A network's options, declared once: their keys, checks and defaults, and what a recipe may set. */
import { checkKeepTokens } from '../lib/kept_tokens';
import {
  checkFinite,
  checkOneOf,
  checkPositive,
  checkPositiveInteger,
  invalid,
} from '../lib/validate';

/** What is allowed for one option of a family. */
export interface NetworkOption {
  /**
   * The type of the value. 'integer', 'positive' and each of 'integers' (a list) are positive; 'tokens' is a number of
   * tokens, or a share below 1.
   */
  type: 'integer' | 'integers' | 'positive' | 'number' | 'boolean' | 'string' | 'shape' | 'tokens';
  /** The only allowed values. */
  oneOf?: readonly (string | number)[];
  /** The value if none is given. */
  default?: string | number | boolean;
  /** Whether the option must be given. */
  required?: boolean;
  /** Whether null is allowed. */
  nullable?: boolean;
  /** Whether it may be a list with one value per block, null for none. */
  perBlock?: boolean;
  /** The smallest and largest value that a recipe may use. Default: those of the type. */
  min?: number;
  max?: number;
  /** Whether a recipe may set it. False for what its data determines, and for a model's name. Default true. */
  recipe?: boolean;
}

/** Options by key. */
export type NetworkOptions = Readonly<Record<string, NetworkOption>>;

/** The neuron options, which the layers check. */
export const neuronOptions = {
  tau: { type: 'positive', min: 1, default: 2 },
  vThreshold: { type: 'positive', default: 1 },
  vReset: { type: 'number', nullable: true, default: 0 },
  detachReset: { type: 'boolean', default: true },
  decayInput: { type: 'boolean', default: true },
  surrogate: { type: 'string', default: 'sigmoid' },
  alpha: { type: 'positive' },
  stateful: { type: 'boolean', default: false, recipe: false },
} satisfies NetworkOptions;

function checkPositiveIntegers(key: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(key, 'a list of positive integers', value);
  for (const [i, n] of value.entries()) checkPositiveInteger(`${key}[${i}]`, n);
}

/** Throws if the option does not allow the value. */
export function checkOption(key: string, value: unknown, option: NetworkOption): void {
  if (value === undefined && !option.required) return;
  if (value === null && option.nullable) return;
  const { oneOf, type } = option;
  if (option.perBlock && Array.isArray(value)) {
    for (const [i, one] of value.entries()) {
      if (one !== null) checkOption(`${key}[${i}]`, one, { type });
    }
    return;
  }
  if (oneOf?.some((choice) => typeof choice === 'number')) {
    if (oneOf.includes(value as number)) return;
    throw invalid(key, `${oneOf.slice(0, -1).join(', ')} or ${oneOf.at(-1)}`, value);
  }
  if (oneOf) checkOneOf(key, value, oneOf as readonly string[]);
  else if (type === 'integer') checkPositiveInteger(key, value);
  else if (type === 'integers') checkPositiveIntegers(key, value);
  else if (type === 'positive') checkPositive(key, value);
  else if (type === 'number') checkFinite(key, value);
  else if (type === 'tokens') checkKeepTokens(key, value);
}

/** A configuration's value, or the option's default. */
export function optionOf(options: NetworkOptions, config: object, key: string): unknown {
  return (config as Record<string, unknown>)[key] ?? options[key]?.default;
}
