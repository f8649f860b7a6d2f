/**
 * A folder that one process at a time may hold, on local and on shared disks.
 *
 * The folder holds one file, whose name is its owner: process, start, machine, and a random part.
 *   - Taking: a folder prepared beside is renamed to the place, which fails if one with an owner is
 *     there. It appears whole, and no hard links are needed.
 *   - Taking over: the owner's file is renamed to the new owner's name. Of several who try, one
 *     succeeds, and none can take what has changed hands since it looked.
 *   - An owner is gone if its process is, told from a later one of its number by the start. Of other
 *     machines it is unknown: such an owner counts as gone when its file has not been written to for a
 *     minute, by the disk's clock, and every owner writes to it each five seconds.
 *   - Only its owner opens it again.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { errorCode, fileError } from './files';
import { IDENTITY, processIdentity, stateOfProcess } from './process_identity';

const BEAT_MS = 5_000;
const SILENT_MS = 60_000;
/** A file system that makes others win this often is unsuitable for locks. */
const MISSES = 100;
const OWNER = new RegExp(`^owner-(${IDENTITY})-[0-9a-f]{16}$`);

export interface LockOptions {
  /** What the holder does, for messages: 'training'. */
  doing: string;
  /** Milliseconds to wait for another holder. Default 0. */
  wait?: number;
  /** Whether the holder never blocks its thread for long, so that it needs no extra thread to show that it is alive. */
  brief?: boolean;
}

/** Another process holds the folder. */
export class LockedError extends Error {
  override name = 'LockedError';
}

export interface Lock {
  /** Its content, except for the owner's file, belongs to the holder, and is removed with the lock. */
  readonly folder: string;
  /** @throws LockedError if another process has taken over because this one stood still for too long */
  check(): void;
  release(): void;
}

/**
 * Takes the lock, or rejects with a LockedError that names the holder, and the folder to delete if it is gone. The
 * enclosing folder must exist.
 */
export async function lock(folder: string, options: LockOptions): Promise<Lock> {
  const mine = `owner-${processIdentity()}-${randomBytes(8).toString('hex')}`;
  const until = performance.now() + (options.wait ?? 0);
  for (let missed = 0; ; missed++) {
    try {
      if (take(folder, mine, options.doing)) break;
      if (missed === MISSES) throw new Error(`others were faster ${MISSES} times`);
    } catch (error) {
      if (!(error instanceof LockedError)) throw fileError(`cannot lock ${folder}`, error);
      if (performance.now() >= until) throw error;
      missed = 0;
    }
    await pause(10 + Math.random() * 30);
  }
  return held(folder, mine, options.brief === true);
}

/**
 * False if another process was faster and may hold it now.
 *
 * @throws LockedError if another process holds it
 */
function take(folder: string, mine: string, doing: string): boolean {
  const owner = ownerIn(folder);
  if (owner !== undefined && !isGone(folder, owner)) throw new LockedError(describe(folder, owner));
  const taken = owner === undefined ? create(folder, mine, doing) : takeOver(folder, owner, mine);
  if (!taken) return false;
  fs.writeFileSync(join(folder, mine), content(doing));
  empty(folder, mine);
  return true;
}

/** False if another process was faster. */
function takeOver(folder: string, owner: string, mine: string): boolean {
  try {
    fs.renameSync(join(folder, owner), join(folder, mine));
    return true;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return ownerIn(folder) === mine; // Done, but the answer got lost on a network.
  }
}

/** The name of the owner's file; undefined if there is none, or no folder. */
function ownerIn(folder: string): string | undefined {
  return namesIn(folder).find((name) => OWNER.test(name));
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** False if another process was faster. */
function create(folder: string, mine: string, doing: string): boolean {
  const prepared = join(dirname(folder), `.${basename(folder)}.${mine}.tmp`);
  clearPrepared(folder);
  fs.mkdirSync(prepared);
  try {
    fs.writeFileSync(join(prepared, mine), content(doing));
    removeEmpty(folder); // Not every file system can rename onto a folder.
    fs.renameSync(prepared, folder);
  } catch (error) {
    fs.rmSync(prepared, { recursive: true, force: true });
    const names = namesIn(folder);
    if (names.length === 0) {
      if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return false; // Free by now.
      throw error;
    }
    if (!names.some((name) => OWNER.test(name))) return adopt(folder, mine);
  }
  return ownerIn(folder) === mine;
}

/**
 * Takes a folder that has content but no owner, after a power cut or from 0.1.0. False if another process does the
 * same: of several, each later one sees the first.
 */
function adopt(folder: string, mine: string): boolean {
  fs.writeFileSync(join(folder, mine), '');
  const alone = namesIn(folder).every((name) => name === mine || !OWNER.test(name));
  if (!alone) fs.rmSync(join(folder, mine), { force: true });
  return alone;
}

/** Removes what processes left that were killed while they prepared. */
function clearPrepared(folder: string): void {
  const pattern = new RegExp(`^owner-(${IDENTITY})-[0-9a-f]{16}\\.tmp$`);
  const prefix = `.${basename(folder)}.`;
  for (const name of fs.readdirSync(dirname(folder))) {
    if (!name.startsWith(prefix)) continue;
    const [, identity] = pattern.exec(name.slice(prefix.length)) ?? [];
    if (identity === undefined || stateOfProcess(identity) !== 'gone') continue;
    fs.rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function content(doing: string): string {
  return `${JSON.stringify({ pid: process.pid, host: hostname(), since: new Date(), doing })}\n`;
}

function isGone(folder: string, owner: string): boolean {
  const state = stateOfProcess(OWNER.exec(owner)![1]!);
  return state === 'gone' || (state === 'unknown' && silence(folder, owner) > SILENT_MS);
}

/** Milliseconds since the owner's file was written to, both times by the clock of its disk. */
function silence(folder: string, owner: string): number {
  const now = join(dirname(folder), `.${basename(folder)}.now.${randomBytes(8).toString('hex')}`);
  try {
    fs.closeSync(fs.openSync(now, 'wx'));
    const handle = fs.openSync(join(folder, owner), 'r'); // Opened, so that NFS asks its server.
    try {
      return fs.statSync(now).mtimeMs - fs.fstatSync(handle).mtimeMs;
    } finally {
      fs.closeSync(handle);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0; // Released or taken over in the meantime.
    throw error;
  } finally {
    fs.rmSync(now, { force: true });
  }
}

/** The holder of the folder, and what to do if it is gone. */
function describe(folder: string, owner: string): string {
  const place = dirname(folder);
  let who = 'another process';
  try {
    const text = fs.readFileSync(join(folder, owner), 'utf8');
    const { pid, host, since, doing } = JSON.parse(text);
    const where = host === hostname() ? '' : ` on ${host}`;
    who = `process ${pid}${where} (${doing}, since ${since})`;
  } catch {
    // It has just changed hands, or belongs to another version.
  }
  return `${place} is in use by ${who}: wait for it to finish; if it no longer runs, delete ${folder}`;
}

function held(folder: string, mine: string, brief: boolean): Lock {
  const path = join(folder, mine);
  const stop = brief ? beatHere(path) : beatInThread(path);
  let open = false;
  return {
    folder,
    check() {
      const owner = ownerIn(folder);
      if (owner === mine) return;
      const now = owner === undefined ? 'its lock is gone' : describe(folder, owner);
      throw new LockedError(`${dirname(folder)} is no longer held by this process: ${now}`);
    },
    release() {
      if (open) return;
      open = true;
      stop();
      if (!fs.existsSync(path)) return; // Taken over.
      empty(folder, mine);
      fs.rmSync(path, { force: true });
      removeEmpty(folder);
    },
  };
}

// Each beat rewrites the first byte through an open handle, which stays on the file whatever its current name.

function beatHere(path: string): () => void {
  const handle = fs.openSync(path, 'r+');
  const timer = setInterval(() => {
    try {
      fs.writeSync(handle, '{', 0);
    } catch {
      // A full or absent disk: the next beat may succeed.
    }
  }, BEAT_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    fs.closeSync(handle);
  };
}

/** In a thread, since the holder may compute for minutes without a pause. */
function beatInThread(path: string): () => void {
  const code = `
    const fs = require('node:fs');
    const { path, every } = require('node:worker_threads').workerData;
    const handle = fs.openSync(path, 'r+');
    setInterval(() => { try { fs.writeSync(handle, '{', 0); } catch {} }, every);`;
  const workerData = { path, every: BEAT_MS };
  const worker = new Worker(code, { eval: true, execArgv: [], workerData });
  worker.on('error', () => undefined); // Taken over, or the disk is gone: check() will find out.
  worker.unref();
  return () => void worker.terminate();
}

/** Removes everything except the owner's file. */
function empty(folder: string, mine: string): void {
  for (const name of fs.readdirSync(folder)) {
    if (name !== mine) fs.rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Removes a folder if it is empty; otherwise it already belongs to another process. */
function removeEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // As stated above.
  }
}
