/** Runs TypeScript in a fresh Node process, from the sources, as a user's script would run. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The root of the repository. */
export const root = resolve(__dirname, '../..');

export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a file of the repository, such as `cli/index.ts`, with arguments, in the repository or in `cwd`. */
export function runFile(
  file: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
  cwd = root,
): Finished {
  return run([join(root, file), ...args], env, cwd);
}

/**
 * Runs an ES module given as text, which may import the package by its own name and await at the
 * top. `args` are its process.argv.slice(1), `env` joins its environment.
 */
export function runScript(
  code: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Finished {
  return run(['--input-type=module', '--eval', code, ...args], env);
}

function run(args: string[], env: NodeJS.ProcessEnv, cwd = root): Finished {
  const tsx = pathToFileURL(require.resolve('tsx')).href; // found from any folder
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    ['--import', tsx, ...args],
    { cwd, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 300_000 },
  );
  if (error) throw error;
  return { status, signal, stdout, stderr };
}

/** Starts a script as `runScript` runs it, and does not wait for it. */
export function startScript(code: string, args: string[]) {
  return spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', code, ...args],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/**
 * Runs an ES module again and again until it prints `done`: from its first output on it has 5 ms before it
 * is killed, then `longer` times as many each time, so that every part of its work is hit and one run gets
 * through. Returns how often it was killed.
 */
export async function killUntilDone(
  code: string,
  args: string[],
  longer: number,
  afterEach: () => void = () => {},
): Promise<number> {
  let kills = 0;
  for (let done = false, wait = 5; !done; wait *= longer) {
    const child = startScript(code, args);
    let output = '';
    child.stdout.on('data', (text) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), wait);
      output += text;
    });
    const [status, signal] = await once(child, 'close');
    if (signal === 'SIGKILL') kills++;
    else expect(status).toBe(0);
    done = output.includes('done');
    afterEach();
  }
  return kills;
}

/** A directory that is removed after the test file. Call it in a describe or at the top. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spikingformer-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
