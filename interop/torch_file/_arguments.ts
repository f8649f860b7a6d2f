/** Arguments of what a file calls, checked one by one. */
import {
  PickleDict,
  PickleList,
  PickleRecord,
  PickleSet,
  PickleTuple,
  type PickleValue,
  typeName,
} from './values';

/** Why an allowed name could not be built; the unpickler adds where. */
export class RefusedError extends Error {}

export type Args = readonly PickleValue[];

/** Counts bytes that a value takes, and throws where a file's are too many. */
export type Spend = (bytes: number) => void;

/** More axes than any framework supports. */
const MAX_RANK = 64;

export function refuse(what: string): never {
  throw new RefusedError(what);
}

export function itemsOf(value: PickleValue | undefined, what: string): readonly PickleValue[] {
  if (value instanceof PickleTuple || value instanceof PickleList) return value.items;
  return refuse(`${what} must be a tuple or list, but is ${typeName(value)}`);
}

export function sizesOf(value: PickleValue | undefined, what: string): number[] {
  const sizes = itemsOf(value, what);
  if (sizes.length > MAX_RANK) refuse(`${what} must have at most ${MAX_RANK} numbers`);
  return sizes.map((size) => sizeOf(size, what));
}

export function sizeOf(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(`${what} must be an integer from 0 to 2^53 - 1, but is ${shown(value)}`);
}

export function shown(value: PickleValue | undefined): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'number' ? String(value) : typeName(value);
}

/** A key of a dict or an item of a set: what Python can hash. */
export function keyOf(value: PickleValue | undefined): PickleValue {
  const mutable = [PickleList, PickleDict, PickleSet, PickleRecord].some((c) => value instanceof c);
  if (value !== undefined && !mutable) return value;
  return refuse(`a key must be a text, a number, None or a tuple, but is ${typeName(value)}`);
}
