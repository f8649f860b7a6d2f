/**
 * Runs other programs: Python, pip, compilers, npm. Each has a time limit, after which it is killed and named in the
 * error; its output is kept, and shown if it fails.
 */
import { type SpawnSyncOptions, type StdioOptions, spawn, spawnSync } from 'node:child_process';

/** Milliseconds. */
export const seconds = (count: number) => count * 1000;
export const minutes = (count: number) => seconds(60 * count);

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
  /** Whether it had to be killed; `stderr` then reports that. */
  late: boolean;
}

const inWords = (limit: number) =>
  limit < minutes(2) ? `${limit / 1000} s` : `${limit / 60_000} min`;

/** The message for a program that did not end in time. */
export function lateMessage(program: string, limit: number): string {
  return `${program} did not end within ${inWords(limit)} and was killed`;
}

/** A command as messages show it: long arguments, such as scripts, are truncated. */
function titleOf(command: string, args: readonly string[]): string {
  const cut = (text: string) => (text.length > 60 || text.includes('\n') ? '...' : text);
  return [command, ...args.slice(0, 3).map(cut), ...(args.length > 3 ? ['...'] : [])].join(' ');
}

/** Runs to the end, quietly; status -1 if it cannot be started or takes longer than `limit` ms. */
export function run(
  command: string,
  args: string[],
  limit: number,
  options: Omit<SpawnSyncOptions, 'timeout' | 'killSignal'> = {},
): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env: process.env, // As seen here: in a test, Node's default belongs to another realm.
    ...options,
    timeout: limit,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const late = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  const reason = late ? lateMessage(titleOf(command, args), limit) : error?.message;
  return {
    status: error ? -1 : (status ?? -1),
    stdout: String(stdout ?? ''),
    stderr: reason ?? String(stderr ?? ''),
    late,
  };
}

/** Runs to the end; rejects if it cannot be started, fails, or takes longer than `limit` ms. */
function runTo(
  command: string,
  args: string[],
  {
    what,
    limit,
    stdio,
    env,
  }: { what: string; limit: number; stdio: StdioOptions; env?: NodeJS.ProcessEnv },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio, env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        output = (output + text).slice(-8000);
      });
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // Its children may still hold the pipes: do not wait for them.
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      reject(new Error(`${what}: ${lateMessage(titleOf(command, args), limit)}`));
    }, limit);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    child.on('error', (error) => settle(new Error(`${what}: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) return settle();
      const how = signal ? `by ${signal}` : `with status ${status}`;
      const said = child.stderr ? `:\n${output.trim()}` : ': see its output above';
      settle(new Error(`${what} failed ${how}${said}`));
    });
  });
}

/** Runs without blocking; an error includes the end of its output. */
export const runAsync = (command: string, args: string[], what: string, limit: number) =>
  runTo(command, args, { what, limit, stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs with its output on our stderr, where progress belongs. */
export const runShown = (
  command: string,
  args: string[],
  what: string,
  limit: number,
  env: NodeJS.ProcessEnv = {},
) => runTo(command, args, { what, limit, stdio: ['ignore', 2, 2], env });
