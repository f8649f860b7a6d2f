/** Checks of arguments: each error names the argument, what was expected and what came. */

/** A value as shown in an error: short, and unambiguous for NaN, null and 'text'. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || value === undefined) return String(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  const text = JSON.stringify(value, (_, v) =>
    typeof v === 'number' && !Number.isFinite(v) ? String(v) : v,
  );
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The error that every check throws. */
export function invalid(argument: string, expected: string, received: unknown): Error {
  return new Error(`${argument} must be ${expected}, but got ${show(received)}`);
}

export function checkFinite(argument: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalid(argument, 'a finite number', value);
  }
}

export function checkPositive(argument: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !(value > 0) || value === Infinity) {
    throw invalid(argument, 'a positive finite number', value);
  }
}

export function checkPositiveInteger(argument: string, value: unknown): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) <= 0) {
    throw invalid(argument, 'a positive integer', value);
  }
}

/** A positive integer with an upper limit, for arguments that sizes grow with. */
export function checkCount(
  argument: string,
  value: unknown,
  most: number,
): asserts value is number {
  checkPositiveInteger(argument, value);
  if (value > most) throw invalid(argument, `an integer from 1 to ${most}`, value);
}

export function checkBoolean(argument: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalid(argument, 'true or false', value);
}

export function checkOneOf<T extends string>(
  argument: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  if (!allowed.includes(value as T)) {
    throw invalid(argument, `one of ${allowed.map(show).join(', ')}`, value);
  }
}

/** Rejects unknown keys: a misspelled option is an error, not a default. */
export function checkKeys(owner: string, config: object, known: readonly string[]): void {
  if (config === null || typeof config !== 'object' || Array.isArray(config)) {
    throw invalid('config', 'an object of options', config);
  }
  for (const key of Object.keys(config)) {
    if (!known.includes(key)) {
      throw new Error(`${owner} has no option ${show(key)}; its options are ${known.join(', ')}`);
    }
  }
}
