/** The lock: who gets it, who gives it back, and what crashes, other machines and reused pids leave. */
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LockedError, lock } from '../../../node/files/lock';
import { processIdentity, stateOfProcess } from '../../../node/files/process_identity';
import { startScript, temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
const fresh = () => join(mkdtempSync(join(directory, 'place-')), '.lock');
const options = { doing: 'testing' };
const [pid, start, machine] = processIdentity().split('-') as [string, string, string];
const owner = (identity: string, nonce = '0123456789abcdef') => `owner-${identity}-${nonce}`;

/** A lock that somebody else has left, written to that many seconds ago. */
function leave(folder: string, identity: string, seconds = 0): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, owner(identity));
  writeFileSync(path, '{"pid":7,"host":"elsewhere","since":"then","doing":"training"}\n');
  const time = Date.now() / 1000 - seconds;
  utimesSync(path, time, time);
  return path;
}

test('is taken, refused to another with the folder to delete, given back and gone', async () => {
  const folder = fresh();
  const held = await lock(folder, options);
  writeFileSync(join(folder, 'staged'), 'x');
  const refused = await lock(folder, options).catch((error) => error);
  expect(refused).toBeInstanceOf(LockedError);
  expect(refused.message).toMatch(
    new RegExp(
      `place-.* is in use by process ${pid} \\(testing, since .*\\): wait.*delete ${folder}$`,
    ),
  );
  held.check();
  held.release();
  held.release();
  expect(readdirSync(join(folder, '..'))).toEqual([]);
  (await lock(folder, options)).release();
});

test('is waited for', async () => {
  const folder = fresh();
  const held = await lock(folder, options);
  setTimeout(() => held.release(), 100);
  const next = await lock(folder, { ...options, wait: 300_000, brief: true });
  next.check();
  next.release();
});

describe('what others left', () => {
  const gone = `2147483646-1-${machine}`;
  const reused = `${process.ppid}-1-${machine}`; // a process of that number is there, begun later
  const foreign = `${pid}-${start}-00000000`;
  const nameless = `${process.ppid}-0-${machine}`; // where a system does not give starts

  test.each([
    ['a process that is no more', gone, 0],
    ["a stranger's pid", reused, 0],
    ['another machine, silent for a minute', foreign, 61],
    ['a pid without a start, silent for a minute', nameless, 61],
  ])('%s: is taken over, with what was staged', async (_, identity, seconds) => {
    const folder = fresh();
    const path = leave(folder, identity, seconds);
    mkdirSync(join(folder, 'staged'));
    const held = await lock(folder, options);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(1);
    held.release();
    expect(existsSync(folder)).toBe(false);
  });

  test.each([
    ['another machine', foreign, 30],
    ['a pid without a start', nameless, 30],
  ])('%s, heard of lately: is left alone', async (_, identity, seconds) => {
    const folder = fresh();
    leave(folder, identity, seconds);
    await expect(lock(folder, options)).rejects.toThrow(
      /is in use by process 7 on elsewhere \(training, since then\).*delete/,
    );
    expect(readdirSync(folder)).toEqual([owner(identity)]);
    expect(readdirSync(join(folder, '..'))).toEqual(['.lock']);
  });

  test.each([
    ['an empty folder', []],
    ['a folder without an owner', ['process', 'rubbish']],
  ])('%s: is taken', async (_, files) => {
    const folder = fresh();
    mkdirSync(folder);
    for (const file of files) writeFileSync(join(folder, file), '');
    const held = await lock(folder, options);
    held.check();
    expect(readdirSync(folder)).toHaveLength(1);
    held.release();
  });

  test('what was prepared by a process that is no more goes', async () => {
    const folder = fresh();
    const left = join(folder, '..', `..lock.${owner(gone)}.tmp`);
    mkdirSync(left);
    (await lock(folder, options)).release();
    expect(existsSync(left)).toBe(false);
  });
});

test('an owner that was taken over gets an error, and leaves the new owner alone', async () => {
  const folder = fresh();
  const held = await lock(folder, options);
  const [mine] = readdirSync(folder);
  renameSync(join(folder, mine!), join(folder, owner('1-1-00000000')));
  expect(() => held.check()).toThrow(/no longer held by this process: .* in use by process/);
  held.release();
  expect(readdirSync(folder)).toEqual([owner('1-1-00000000')]);
});

test('shows life, whether its holder computes or not', async () => {
  const folder = fresh();
  const held = await lock(folder, options);
  const path = join(folder, readdirSync(folder)[0]!);
  const text = readFileSync(path, 'utf8');
  utimesSync(path, 1, 1);
  const until = Date.now() + 300_000;
  let stats = statSync(path);
  while (stats.mtimeMs < 2000 && Date.now() < until) stats = statSync(path); // blocks the thread
  expect(stats.mtimeMs).toBeGreaterThan(2000);
  expect(readFileSync(path, 'utf8')).toBe(text);
  held.release();
});

test('a folder that cannot be written to is said', async () => {
  await expect(lock(join(directory, 'none', '.lock'), options)).rejects.toThrow(
    /cannot lock .*none.*ENOENT/,
  );
  const file = join(directory, 'file');
  writeFileSync(file, '');
  await expect(lock(file, options)).rejects.toThrow(`cannot lock ${file}: ENOTDIR`);
});

test('a process is known from one that had its number', () => {
  expect(stateOfProcess(processIdentity())).toBe('alive');
  expect(stateOfProcess(`${pid}-1-${machine}`)).toBe('gone');
  expect(stateOfProcess(`${pid}-${start}-00000000`)).toBe('unknown');
});

/** Processes that count up in a file, each time under the lock; some are killed while they hold it. */
test('of many processes one at a time has it, though they are killed', async () => {
  const folder = fresh();
  const counter = join(folder, '..', 'counter');
  writeFileSync(counter, '0');
  const script = `
    import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { setTimeout as pause } from 'node:timers/promises';
    import { lock } from './node/files/lock.ts';
    const [folder, counter, kill] = process.argv.slice(1);
    for (let i = 0; i < 25; i++) {
      const held = await lock(folder, { doing: 'counting', wait: 300_000, brief: true });
      if (existsSync(counter + '.busy')) console.log('two at a time');
      writeFileSync(counter + '.busy', '');
      const value = Number(readFileSync(counter, 'utf8'));
      await pause(Math.random() * 3);
      writeFileSync(counter, String(value + 1));
      rmSync(counter + '.busy');
      if (Number(kill) === i) process.kill(process.pid, 'SIGKILL');
      held.release();
    }
    console.log('done');`;
  const one = async (kill: number) => {
    const child = startScript(script, [folder, counter, String(kill)]);
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    const [, signal] = await once(child, 'close');
    return { output, signal };
  };
  const kills = [-1, 3, 7, -1, 11, 0];
  const ends = await Promise.all(kills.map(one));
  kills.forEach((kill, i) => {
    expect(ends[i]).toEqual(
      kill < 0 ? { output: 'done\n', signal: null } : { output: '', signal: 'SIGKILL' },
    );
  });
  const done = kills.reduce((sum, kill) => sum + (kill < 0 ? 25 : kill + 1), 0);
  expect(Number(readFileSync(counter, 'utf8'))).toBe(done);
  (await lock(folder, options)).release(); // the last of them may have been killed
  expect(readdirSync(join(folder, '..'))).toEqual(['counter']);
});
