/** Parsers and options that several commands share; commander prints what they reject. */
import { type Command, InvalidArgumentError, Option } from 'commander';

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

/** A number above 0 and below 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be above 0 and below 1.');
}

/** `64`, or a height and a width as `48x64`. */
export function sides(text: string): [height: number, width: number] {
  const [, height, width = height] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(text) ?? [];
  const [rows, columns] = [Number(height), Number(width)];
  if (rows >= 1 && columns >= 1 && Math.max(rows, columns) <= 4096) return [rows, columns];
  throw new InvalidArgumentError('It must be a side such as 64, or sides such as 48x64.');
}

/** Names with commas between. */
export const names = (text: string) => text.split(',').filter((name) => name !== '');

/** A value that may be given several times. */
export const repeated = (value: string, before: string[] = []) => [...before, value];

/** The backends that run in Node. */
const nodeBackends = ['wasm', 'cpu', 'tensorflow'] as const;

export const backendOption = () =>
  new Option(
    '--backend <name>',
    'the backend to compute on (default: the fastest that works)',
  ).choices(nodeBackends);

export const dataFolderOption = () =>
  new Option('--data <dir>', "the data set's folder (default: where `datasets prepare` puts it)");

export const partialOption = () => new Option('--partial', 'accept an incomplete data set');

/** The former name of the option with the value `options[name]`: accepted, but hidden in the help. */
export function formerly<T>(flags: string, name: string, parse?: (text: string) => T): Option {
  const option = new Option(flags).hideHelp();
  if (parse) option.argParser(parse);
  option.attributeName = () => name;
  return option;
}

export const jsonOption = (description = 'print the result as JSON') =>
  new Option('--json', description);

/** What every command that takes a model calls it. */
export const MODEL =
  "a run's folder, a saved model, a checkpoint file, a trained model such as digits, or a preset";

/** What `train --from` takes. */
export const MODEL_WITH_WEIGHTS =
  'a run, a saved model, a checkpoint file or a trained model such as digits';

export const checkpointOption = () =>
  new Option('--checkpoint <which>', 'for a run: which of its checkpoints')
    .choices(['final', 'best', 'newest'] as const)
    .default('final');

/** Which of a run's models, and what a checkpoint file does not state itself. */
export const withModelOptions = (command: Command) =>
  command
    .addOption(checkpointOption())
    .option('--preset <name>', 'for a checkpoint file: the network, if its shapes fit several')
    .option('--config <json>', 'for one: options that it lacks, as \'{"numHeads": 8}\'')
    .option('--key <path>', 'for one: where in it the weights are')
    .option('--ema', 'for one: take its averaged weights, state_dict_ema');
