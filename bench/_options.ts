/** What the benches' options are given. */

/** Some of a list, as `--cases a,b` names them. */
export function chosen(
  option: string,
  given: string | undefined,
  all: readonly string[],
): string[] {
  if (given === undefined) return [...all];
  const names = given.split(',').filter(Boolean);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--${option} must be of ${all.join(', ')}, but got '${unknown}'`);
  }
  return names;
}

/** A whole number from 1, as an option gives it. */
export function count(option: string, given: string): number {
  const value = Number(given);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} must be a whole number from 1, but got '${given}'`);
}
