/** Runs the sources in a fresh Node process, as a user's command or script would run. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { bundling } from './bundling';

/** The root of the repository. */
export const root = resolve(__dirname, '../..');
const tsx = pathToFileURL(require.resolve('tsx')).href; // found from any folder

/** Where jest.config.cjs has had the sources built (build_sources.ts). */
function buildFolder(): string {
  const folder = process.env.SPIKINGFORMER_TEST_BUILD;
  if (!folder) throw new Error('SPIKINGFORMER_TEST_BUILD must name the folder that jest built');
  return folder;
}

export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** What node runs a file of the repository by: as it was built before the tests, or through tsx. */
export function nodeArgs(file: string): string[] {
  const built = join(buildFolder(), file.replace(/\.ts$/, '.js'));
  return existsSync(built) ? [built] : ['--import', tsx, join(root, file)];
}

/**
 * What node runs an ES module by that is given as text, which may import the package by its own name and
 * await at the top: bundled with what it imports of the repository, once for each text. Arguments that
 * follow are its process.argv.slice(1).
 */
export function scriptArgs(code: string): string[] {
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const outfile = join(buildFolder(), `script-${process.env.JEST_WORKER_ID}-${hash}.js`);
  if (!existsSync(outfile)) {
    const stdin = { contents: code, resolveDir: root, loader: 'js' } as const;
    buildSync({ ...bundling, absWorkingDir: root, stdin, outfile });
  }
  return ['--eval', `import(${JSON.stringify(pathToFileURL(outfile).href)});`];
}

/** Runs a file of the repository, such as `cli/index.ts`, with arguments, in the repository or in `cwd`. */
export function runFile(
  file: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
  cwd = root,
): Finished {
  return run([...nodeArgs(file), ...args], env, cwd);
}

/** Runs an ES module given as text (`scriptArgs`) with arguments; `env` joins its environment. */
export function runScript(
  code: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Finished {
  return run([...scriptArgs(code), ...args], env);
}

/** The same, each file as it is, through tsx: for what bundling would change. */
export function runUnbundled(code: string): Finished {
  return run(['--import', tsx, '--input-type=module', '--eval', code], {});
}

function run(args: string[], env: NodeJS.ProcessEnv, cwd = root): Finished {
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 300_000,
  });
  if (error) throw error;
  return { status, signal, stdout, stderr };
}

/** Starts a script as `runScript` runs it, and does not wait for it. */
export function startScript(code: string, args: string[]) {
  return spawn(process.execPath, [...scriptArgs(code), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
