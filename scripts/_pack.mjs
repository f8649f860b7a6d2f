/** What the scripts about the package share: running a command, packing what dist/ holds. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

/** Runs a command to its end and returns its output; throws with all of it when it fails. */
export function run(command, args, options = {}) {
  const limit = 600_000;
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: limit,
    killSignal: 'SIGKILL',
    shell: process.platform === 'win32', // npm and npx are scripts there
    ...options,
  });
  const title = `${command} ${args.join(' ')}`;
  if (error?.code === 'ETIMEDOUT') throw new Error(`${title} did not end within ${limit / 1000} s`);
  if (error) throw error;
  if (status !== 0) {
    const output = `${stdout ?? ''}${stderr ?? ''}`.trim();
    throw new Error(`${title} ended with ${signal ?? status}\n${output}`);
  }
  return `${stdout ?? ''}`;
}

/** Packs the package as it would be published, from a finished build, and returns the tarball. */
export function pack(destination) {
  if (!existsSync(join(root, 'dist/index.js'))) {
    throw new Error('dist/ must hold a build, but is missing: run `npm run build` first');
  }
  const json = run('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    destination,
  ]);
  return join(destination, JSON.parse(json)[0].filename);
}
