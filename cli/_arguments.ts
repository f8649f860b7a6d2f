/** Parsers and options that several commands share; commander prints what they refuse. */
import { InvalidArgumentError, Option } from 'commander';

/** A whole number in a range. */
export function wholeNumber(least: number, most = 999_999_999): (text: string) => number {
  const range = most < 999_999_999 ? `from ${least} to ${most}` : `${least} or more`;
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number, ${range}.`);
    }
    return value;
  };
}

/** A value that may be given several times. */
export const repeated = (value: string, before: string[] = []) => [...before, value];

/** The backends that compute in Node. */
export const nodeBackends = ['wasm', 'cpu', 'tensorflow'] as const;

export const backendOption = () =>
  new Option('--backend <name>', 'what computes (default: the fastest that works)').choices(
    nodeBackends,
  );

export const dataFolderOption = () =>
  new Option('--data <dir>', "the data set's folder (default: where `datasets prepare` puts it)");

export const jsonOption = (description = 'print the result as JSON') =>
  new Option('--json', description);

export const checkpointOption = () =>
  new Option('--checkpoint <which>', 'of a run: which of its checkpoints')
    .choices(['final', 'best', 'newest'] as const)
    .default('final');
