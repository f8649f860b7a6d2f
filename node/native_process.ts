/** Programs that the builder runs: their output is kept, and shown when they fail. */
import { type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process';

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs to the end, quietly; status -1 where it cannot be started. */
export function run(command: string, args: string[], options: SpawnSyncOptions = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env: process.env, // as seen here: in a test, Node's default is another realm's
    ...options,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return {
    status: status ?? -1,
    stdout: String(stdout ?? ''),
    stderr: error ? error.message : String(stderr ?? ''),
  };
}

/** Runs beside others; rejects with the end of what it printed where it fails. */
export function runAsync(command: string, args: string[], what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output = (output + text).slice(-8000);
      });
    }
    child.on('error', (error) => reject(new Error(`${what}: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`${what} failed (${signal ?? `status ${status}`}):\n${output.trim()}`));
    });
  });
}

/** Runs with its output on our stderr, where progress belongs. */
export function runShown(command: string, args: string[], what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 2, 2], env: process.env });
    child.on('error', (error) => reject(new Error(`${what}: ${error.message}`)));
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${what} failed with status ${status}: see its output above`));
    });
  });
}
