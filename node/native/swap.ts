/**
 * Puts the built `deps` and `lib` in the place of tfjs-node's own, whole or not at all. What was there
 * stays in a folder beside them, which `removeBuilt` puts back. A process that is killed in between is
 * made undone by the next one (`recover`).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of tfjs-node that hold its TensorFlow and its binding. */
const PARTS = ['deps', 'lib'] as const;
/** What was there before us. */
const ORIGINAL = '.spikingformer-original';
/** What is being replaced. */
const PREVIOUS = '.spikingformer-previous';
/** In `deps`: says that this and `lib` are ours. */
export const RECORD = 'deps/spikingformer.json';

const remove = (path: string) => rmSync(path, { recursive: true, force: true });

/** Moves the parts of `from` that exist to `to`, which is new, with a list of them. */
function setAside(from: string, to: string): void {
  mkdirSync(to);
  const present = PARTS.filter((part) => existsSync(join(from, part)));
  writeFileSync(join(to, 'parts.json'), JSON.stringify(present), { flush: true });
  for (const part of present) renameSync(join(from, part), join(to, part));
}

/** The reverse; also of a move that was broken off. */
function bringBack(from: string, to: string): void {
  const present = partsIn(from);
  for (const part of PARTS) {
    if (present.includes(part)) {
      if (!existsSync(join(from, part))) continue; // was not moved yet, or is back already
      remove(join(to, part));
      renameSync(join(from, part), join(to, part));
    } else {
      remove(join(to, part));
    }
  }
  remove(from);
}

/** The list in a folder that was set aside; all parts before the list is whole, as none was moved yet. */
function partsIn(folder: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(join(folder, 'parts.json'), 'utf8'));
  } catch {
    return PARTS;
  }
}

/** Undoes a replacement that was broken off. Whether there was one. */
export function recover(folder: string): boolean {
  const previous = join(folder, PREVIOUS);
  if (!existsSync(previous)) return false;
  bringBack(previous, folder);
  return true;
}

export const isBuilt = (folder: string) => existsSync(join(folder, RECORD));

/** Replaces the parts of `folder` by those of `built`; puts the old ones back where `check` throws. */
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

/** Puts back what was there before us. Whether there was anything of ours. */
export function removeBuilt(folder: string): boolean {
  recover(folder);
  const original = join(folder, ORIGINAL);
  if (existsSync(original)) bringBack(original, folder);
  else if (isBuilt(folder)) for (const part of PARTS) remove(join(folder, part));
  else return false;
  return true;
}
