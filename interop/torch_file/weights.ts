/** Where in a checkpoint the weights are: its state dicts, by their paths of keys. */
import { CheckpointError } from '../checkpoint_error';
import {
  PickleDict,
  PickleList,
  PickleOpaque,
  PickleRecord,
  PickleTuple,
  type PickleValue,
  TorchTensor,
  typeName,
  UnheldTensor,
} from './values';

/** A dict of weights; `path` is the keys that lead to it, none if it is the whole file. */
export interface FoundWeights {
  path: readonly string[];
  dict: PickleDict;
}

/** Where scripts put the weights, timm's name first; and the averaged ones. */
const STATE_KEYS = ['state_dict', 'model'];
const EMA_KEYS = ['state_dict_ema', 'model_ema'];
const MAX_DEPTH = 16;

/** What a value has as a dict does: attributes, and items of a subclass of dict, too. */
function dictOf(value: PickleValue | undefined): PickleDict | null {
  if (value instanceof PickleRecord) return value.attributes;
  if (value instanceof PickleOpaque) return value.items;
  return value instanceof PickleDict ? value : null;
}

const isList = (value: PickleValue): value is PickleList | PickleTuple =>
  value instanceof PickleList || value instanceof PickleTuple;

/** A container's values with their keys; a list's are its places, as texts. */
function* entriesOf(value: PickleValue): Generator<[key: PickleValue, value: PickleValue]> {
  if (!isList(value)) yield* dictOf(value)?.entries ?? [];
  else for (const [i, item] of value.items.entries()) yield [String(i), item];
}

/** A container's values that are objects, under the keys that a path can have. */
function* children(value: PickleValue): Generator<[key: string, value: PickleValue]> {
  for (const [key, item] of entriesOf(value)) {
    if (typeof key === 'string' && item !== null && typeof item === 'object') yield [key, item];
  }
}

const isTensor = (value: PickleValue) =>
  value instanceof TorchTensor || value instanceof UnheldTensor;

/** What a module keeps by get_extra_state, among its tensors and of any type. */
export const isExtraState = (key: PickleValue) =>
  typeof key === 'string' && key.endsWith('_extra_state');

/** Tensors by name; where `loose`, beside anything. */
function isStateDict(dict: PickleDict, loose: boolean): boolean {
  const entries = [...dict.entries];
  return (
    entries.some(([, value]) => isTensor(value)) &&
    entries.every(
      ([key, value]) => typeof key === 'string' && (loose || isTensor(value) || isExtraState(key)),
    )
  );
}

/** Every state dict in a value, each once, and none of an optimizer's. */
function stateDictsIn(root: PickleValue, loose: boolean): FoundWeights[] {
  const found: FoundWeights[] = [];
  const seen = new Set<PickleValue>();
  const visit = (value: PickleValue, path: readonly string[]): void => {
    if (seen.has(value)) return;
    seen.add(value);
    const dict = dictOf(value);
    if (dict?.entries.has('param_groups')) return;
    if (dict && isStateDict(dict, loose)) found.push({ path, dict });
    else if (path.length < MAX_DEPTH) {
      for (const [key, child] of children(value)) visit(child, [...path, key]);
    }
  };
  visit(root, []);
  return found;
}

/** The keys of a path as a text has them, dots between: keys may have dots too. */
function follow(value: PickleValue, text: string): FoundWeights | null {
  const dict = dictOf(value);
  if (text === '') return dict && { path: [], dict };
  for (const [key, child] of children(value)) {
    if (text !== key && !text.startsWith(`${key}.`)) continue;
    const rest = follow(child, text.slice(key.length + 1));
    if (rest) return { path: [key, ...rest.path], dict: rest.dict };
  }
  return null;
}

const nameOf = ({ path }: FoundWeights) => path.join('.').slice(0, 80) || 'the file itself';

/**
 * The weights of a checkpoint: below `key` if one is given, else `state_dict` or `model`, else the
 * only state dict that there is.
 */
export function findWeights(root: PickleValue, key: string | undefined): FoundWeights {
  if (key !== undefined) {
    const found = follow(root, key);
    if (found) return found;
    const all = stateDictsIn(root, true).map(nameOf);
    throw new CheckpointError(
      `key must lead to a dict, but got ${JSON.stringify(key.slice(0, 80))}; there ${listed(all)}`,
    );
  }
  const named = STATE_KEYS.flatMap((name): FoundWeights[] => {
    const dict = dictOf(dictOf(root)?.entries.get(name));
    return dict ? [{ path: [name], dict }] : [];
  });
  const usual = named.find(({ dict }) => dict.entries.size === 0 || isStateDict(dict, true));
  if (usual) return usual;
  for (const loose of [false, true]) {
    const all = stateDictsIn(root, loose);
    const names = new Set(all.map(nameOf));
    // What is averaged of another goes with that one.
    const candidates = all.filter(
      (weights) =>
        !names.has(nameOf(weights).replace(/_ema$/, '')) || !nameOf(weights).endsWith('_ema'),
    );
    if (candidates.length === 1) return candidates[0]!;
    if (candidates.length > 1) {
      throw new CheckpointError(
        `a checkpoint must have one state dict, or a key must say which; there ${listed(candidates.map(nameOf))}`,
      );
    }
  }
  if (named[0]) return named[0];
  throw new CheckpointError(nothingFound(root));
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'are none';
  const more = names.length > 12 ? `, and ${names.length - 12} more` : '';
  return `${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 12).join(', ')}${more}`;
}

function nothingFound(root: PickleValue): string {
  if (root instanceof PickleOpaque && !root.items) {
    return `a checkpoint must be a dict, but is ${typeName(root)}: of a whole module, save the state_dict()`;
  }
  if (!dictOf(root) && !isList(root)) {
    return `a checkpoint must be a dict, but is ${typeName(root)}`;
  }
  const dict = dictOf(root);
  const keys = [...(dict?.entries.keys() ?? [])]
    .slice(0, 12)
    .map((key) => String(key).slice(0, 40));
  return (
    `a checkpoint must hold tensors, or a dict of them as ${STATE_KEYS.join(' or ')} or under another ` +
    `key, but it holds ${keys.join(', ') || 'nothing'}`
  );
}

/** The averaged weights beside those at `path`. */
export function findAveraged(root: PickleValue, path: readonly string[]): FoundWeights | null {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = path
    .slice(0, -1)
    .reduce((value, key) => [...children(value)].find(([name]) => name === key)![1], root);
  const names = [
    ...(STATE_KEYS.includes(last) && path.length === 1 ? EMA_KEYS : []),
    `${last}_ema`,
  ];
  for (const [key, value] of children(parent)) {
    const dict = dictOf(value);
    if (names.includes(key) && dict) return { path: [...path.slice(0, -1), key], dict };
  }
  return null;
}

/** A container as a dict, without what lies at any of the paths. */
export function without(root: PickleValue, paths: readonly (readonly string[])[]): PickleDict {
  const rest = new PickleDict();
  for (const [key, value] of entriesOf(root)) {
    const below = paths.filter(([first]) => first === key).map((path) => path.slice(1));
    if (below.length === 0) rest.entries.set(key, value);
    else if (below.every((path) => path.length > 0)) {
      const left = without(value, below);
      if (left.entries.size > 0) rest.entries.set(key, left);
    }
  }
  return rest;
}
