/** Runs TypeScript in a fresh Node process, from the sources, as a user's script would run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The root of the repository. */
export const root = resolve(__dirname, '../..');

export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a file of the repository, such as `cli/index.ts`, with arguments. */
export function runFile(file: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Finished {
  return run([join(root, file), ...args], env);
}

/**
 * Runs an ES module given as text, which may import the package by its own name and await at the
 * top. `args` are its process.argv.slice(1).
 */
export function runScript(code: string, args: string[] = []): Finished {
  return run(['--input-type=module', '--eval', code, ...args], {});
}

function run(args: string[], env: NodeJS.ProcessEnv): Finished {
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    ['--import', 'tsx', ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 120_000 },
  );
  if (error) throw error;
  return { status, signal, stdout, stderr };
}

/** A directory that is removed after the test file. Call it in a describe or at the top. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spikingformer-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
