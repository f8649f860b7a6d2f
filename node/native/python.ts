/** The Pythons of this machine and their pips. Each is queried within a time limit, and named if it fails. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { minutes, type Ran, run, seconds } from './process';

/** Time limit for a Python to start and look something up, on a slow disk. */
const PYTHON_LIMIT = seconds(20);

/** A Python package's name as pip compares it (PEP 503): files and reports spell names in several ways. */
export const normalizedName = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-');

/** The Pythons that a shell would find, the active environment's first; one per environment. */
export function pythons(): string[] {
  const { VIRTUAL_ENV, CONDA_PREFIX, PATH = '' } = process.env;
  const folders = [
    ...[VIRTUAL_ENV, CONDA_PREFIX].filter((p) => p !== undefined).map((p) => join(p, 'bin')),
    ...PATH.split(delimiter).filter(Boolean),
  ];
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const path of ['python3', 'python'].map((name) => join(folder, name)).filter(existsSync)) {
      // Not by the file alone: the Pythons of two environments may be links to the same file.
      const key = `${realpathSync(folder)} ${realpathSync(path)}`;
      if (!found.has(key)) found.set(key, path);
    }
  }
  return [...found.values()];
}

/** Pythons that hung, with the message: each is tried only once. */
const hung = new Map<string, string>();

/** Runs Python quietly; fails at once for one that hung before. */
export function runPython(
  python: string,
  args: string[],
  { limit = PYTHON_LIMIT, env = {} }: { limit?: number; env?: NodeJS.ProcessEnv } = {},
): Ran {
  const before = hung.get(python);
  if (before !== undefined) return { status: -1, stdout: '', stderr: before, late: true };
  const ran = run(python, args, limit, { env: { ...process.env, ...env } });
  if (ran.late) hung.set(python, ran.stderr);
  return ran;
}

/** Why a program failed, in one line. */
export function reasonOf({ status, stderr, stdout }: Ran): string {
  const lines = (stderr.trim() || stdout.trim()).split('\n');
  return lines.at(-1)!.trim() || `it ended with status ${status} and printed nothing`;
}

const FIND_TENSORFLOW = `
import sys
sys.path = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec('tensorflow')
for path in (spec and spec.submodule_search_locations) or []: print(path)`;

/**
 * The `tensorflow` package of a Python, without importing it; undefined if it has none.
 *
 * @throws Error if Python fails
 */
export function tensorflowPackageOf(python: string, limit?: number): string | undefined {
  const ran = runPython(python, ['-c', FIND_TENSORFLOW], { limit });
  if (ran.status !== 0) throw new Error(`${python} does not run: ${reasonOf(ran)}`);
  // Ignores what a shim or a sitecustomize prints besides.
  const lines = ran.stdout.split('\n').map((line) => line.trim());
  return lines.find((line) => isAbsolute(line) && basename(line) === 'tensorflow');
}

export interface Pip {
  python: string;
  version: string;
}

/** The pip of a Python, or the reason why it has none. */
export function pipOf(python: string, limit = minutes(1)): Pip | string {
  const ran = runPython(python, ['-m', 'pip', '--version'], { limit });
  if (ran.status !== 0) return `${python} has no pip that runs: ${reasonOf(ran)}`;
  const version = /^pip (\d+(?:\.\w+)*) from /m.exec(ran.stdout)?.[1];
  if (version !== undefined) return { python, version };
  const printed = JSON.stringify(ran.stdout.trim().slice(0, 80));
  return `${python} -m pip --version must print pip's version, but printed ${printed}`;
}

/** Since this release, pip reports its choice, with hashes, before a download. */
const REPORTS_SINCE = [22, 2] as const;

export function writesReports({ version }: Pip): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > REPORTS_SINCE[0] || (major === REPORTS_SINCE[0] && minor >= REPORTS_SINCE[1]);
}

/** The first Python whose pip writes reports, else the first whose pip runs; or the reason why none does. */
export function findPip(limit?: number): Pip | string {
  const reasons: string[] = [];
  let older: Pip | undefined;
  for (const python of pythons()) {
    const found = pipOf(python, limit);
    if (typeof found === 'string') reasons.push(found);
    else if (writesReports(found)) return found;
    else older ??= found;
  }
  return older ?? (reasons.join('; ') || 'there is no python3 or python on PATH');
}
