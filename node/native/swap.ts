/**
 * Replaces tfjs-node's `deps` and `lib` by the built ones, both or neither. The originals stay in a folder next to
 * them, from which `removeBuilt` restores them. If a process is killed in between, the next one undoes its work
 * (`recover`).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of tfjs-node that hold its TensorFlow and its binding. */
const PARTS = ['deps', 'lib'] as const;
/** The original folders. */
const ORIGINAL = '.spikingformer-original';
/** What is being replaced. */
const PREVIOUS = '.spikingformer-previous';
/** In `deps`: marks this and `lib` as ours. */
export const RECORD = 'deps/spikingformer.json';

const remove = (path: string) => rmSync(path, { recursive: true, force: true });

/** Moves the parts of `from` that exist to the new folder `to`, with a list of them. */
function setAside(from: string, to: string): void {
  mkdirSync(to);
  const present = PARTS.filter((part) => existsSync(join(from, part)));
  writeFileSync(join(to, 'parts.json'), JSON.stringify(present), { flush: true });
  for (const part of present) renameSync(join(from, part), join(to, part));
}

/** The reverse, even after an interrupted move. */
function bringBack(from: string, to: string): void {
  const present = partsIn(from);
  for (const part of PARTS) {
    if (present.includes(part)) {
      if (!existsSync(join(from, part))) continue; // Not moved yet, or already back.
      remove(join(to, part));
      renameSync(join(from, part), join(to, part));
    } else {
      remove(join(to, part));
    }
  }
  remove(from);
}

/** The list in a folder that was set aside; all parts if the list is incomplete, since none was moved yet. */
function partsIn(folder: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(join(folder, 'parts.json'), 'utf8'));
  } catch {
    return PARTS;
  }
}

/** Undoes an interrupted replacement. Returns whether there was one. */
export function recover(folder: string): boolean {
  const previous = join(folder, PREVIOUS);
  if (!existsSync(previous)) return false;
  bringBack(previous, folder);
  return true;
}

export const isBuilt = (folder: string) => existsSync(join(folder, RECORD));

/** Replaces the parts of `folder` by those of `built`; restores the old ones if `check` throws. */
export function putInPlace<T>(built: string, folder: string, check: () => T): T {
  recover(folder);
  const previous = join(folder, PREVIOUS);
  setAside(folder, previous);
  let result: T;
  try {
    for (const part of PARTS) renameSync(join(built, part), join(folder, part));
    result = check();
  } catch (error) {
    for (const part of PARTS) remove(join(folder, part));
    bringBack(previous, folder);
    throw error;
  }
  if (isBuilt(previous)) {
    remove(previous);
  } else {
    remove(join(folder, ORIGINAL));
    renameSync(previous, join(folder, ORIGINAL));
  }
  return result;
}

/** Restores the originals. Returns whether there was anything to restore. */
export function removeBuilt(folder: string): boolean {
  recover(folder);
  const original = join(folder, ORIGINAL);
  if (existsSync(original)) bringBack(original, folder);
  else if (isBuilt(folder)) for (const part of PARTS) remove(join(folder, part));
  else return false;
  return true;
}
