/**
 * `native install` on Pythons of all kinds: releases of pip and Python in environments with spaces in their
 * path, the system's Python (PEP 668), a conda-like prefix, no pip, a home that cannot be written to, Pythons
 * on PATH that hang or print noise. Each gets TensorFlow's wheel anew; the first few are built and proven too.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { appendCsv } from '../../bench/csv';
import { findCompiler } from '../../node/native/build';
import { minutes, run, seconds } from '../../node/native/process';
import { findPip, pipOf } from '../../node/native/python';
import { DEFAULT_VERSION, fetchTensorflow } from '../../node/native/tensorflow';

const PIPS = ['21.3.1', '22.0.4', '22.3.1', '23.2.1', '24.3.1', 'newest'];
/** The first Python release that these releases of pip do not run on. */
const TOO_NEW = { '21': 12, '22': 12 } as Record<string, number>;

interface Case {
  layout: string;
  /** The Python that it is about. */
  python: string;
  env: NodeJS.ProcessEnv;
  /** What the refusal must name, if it cannot work. */
  refused?: RegExp;
}

/** Runs a tool to its end. @throws with what it printed */
function tool(command: string, ...args: string[]): string {
  const ran = run(command, args, minutes(10));
  if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr.trim()}`);
  return ran.stdout.trim();
}

/** pyenv's Pythons from 3.10 on, the newest patch of each minor release; the system's; by version. */
function releases(): Map<string, string> {
  const root = process.env.PYENV_ROOT ?? join(homedir(), '.pyenv');
  const folder = join(root, 'versions');
  const found = new Map<string, string>();
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const minor = /^3\.(1\d)\.\d+$/.exec(name)?.[1];
    if (minor) found.set(`3.${minor}`, join(folder, name, 'bin/python3'));
  }
  return found;
}

/** An environment of that Python, with that pip. */
function environment(folder: string, python: string, pip?: string): string {
  tool(python, '-m', 'venv', ...(pip ? [] : ['--without-pip']), folder);
  const inside = join(folder, 'bin/python3');
  if (pip) {
    const wanted = pip === 'newest' ? ['--upgrade', 'pip'] : [`pip==${pip}`];
    tool(inside, '-m', 'pip', 'install', '--quiet', ...wanted);
  }
  return inside;
}

/** A script in a folder of its own, named as Python. */
function shim(folder: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'python3');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return folder;
}

function* cases(work: string): Generator<Case> {
  const tools = (process.env.PATH ?? '').split(':').filter((folder) => !/pyenv/.test(folder));
  const path = (...folders: string[]) => ({ PATH: [...folders, ...tools].join(':') });
  const pythons = releases();
  const any = [...pythons.values()].at(-1) ?? tool('sh', '-c', 'command -v python3');

  const good = environment(join(work, 'an environment'), any, 'newest');
  yield {
    layout: 'active venv',
    python: good,
    env: { VIRTUAL_ENV: dirname(dirname(good)), ...path() },
  };
  const old = environment(join(work, 'an old environment'), pythons.get('3.10') ?? any, '22.3.1');
  yield {
    layout: 'conda-like prefix',
    python: old,
    env: { CONDA_PREFIX: dirname(dirname(old)), ...path() },
  };
  const system = '/usr/bin/python3';
  if (existsSync(system) && typeof pipOf(system) !== 'string') {
    yield { layout: 'system (PEP 668)', python: system, env: { PATH: '/usr/bin:/bin' } };
  }
  const hangs = shim(join(work, 'hangs'), 'sleep 3600');
  const noise = shim(join(work, 'noise'), `echo "{shim} $*"; echo a shim >&2; exec '${good}' "$@"`);
  yield { layout: 'after one that hangs', python: good, env: path(hangs, dirname(good)) };
  yield { layout: 'a shim that prints noise', python: join(noise, 'python3'), env: path(noise) };
  const settings = { PIP_USER: '1', PIP_REQUIRE_VIRTUALENV: '1', PIP_QUIET: '2' };
  yield {
    layout: 'settings that forbid installing',
    python: good,
    env: { ...path(dirname(good)), ...settings },
  };
  const only = (folder: string) => ({ PATH: folder });
  const bare = environment(join(work, 'without pip'), any);
  yield {
    layout: 'without pip',
    python: bare,
    env: only(dirname(bare)),
    refused: /has no pip that runs: .*No module named pip/,
  };
  yield {
    layout: 'only one that hangs',
    python: join(hangs, 'python3'),
    env: only(hangs),
    refused: /did not end within \d+ s and was killed/,
  };
  yield {
    layout: 'no Python',
    python: '',
    env: only('/nowhere'),
    refused: /no python3 or python on PATH/,
  };

  for (const [release, python] of pythons) {
    for (const pip of PIPS) {
      const tooNew = TOO_NEW[pip.split('.')[0]!] ?? Infinity;
      const name = `Python ${release}, pip ${pip}`;
      const inside = environment(join(work, name), python, pip);
      const refused = Number(release.split('.')[1]) >= tooNew ? /pip/ : undefined;
      yield { layout: 'venv', python: inside, env: only(dirname(inside)), refused };
    }
  }
}

/** Gets the wheel, checks and unpacks it, into a cache of its own. */
async function fetchOnly(cache: string): Promise<string> {
  const pip = findPip(seconds(60));
  if (typeof pip === 'string') throw new Error(pip);
  const { version } = await fetchTensorflow(pip, DEFAULT_VERSION, cache, () => undefined);
  return `TensorFlow ${version} fetched and checked`;
}

/** The command, from nothing, in this copy of the project. */
function installed(cache: string): string {
  const cli = (...args: string[]) =>
    run(process.execPath, ['--import', 'tsx', 'cli/index.ts', 'native', ...args], minutes(60), {
      env: { ...process.env, XDG_CACHE_HOME: cache },
    });
  cli('remove');
  const { status, stdout, stderr } = cli('install');
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1));
  return stdout.trim().split('\n').at(-1)!;
}

/** Runs a case with its environment; what came of it. */
async function outcomeOf({ env }: Case, cache: string, full: boolean) {
  const before = process.env;
  const { VIRTUAL_ENV: _, CONDA_PREFIX: __, ...rest } = before;
  process.env = { ...rest, ...env };
  try {
    const builds = full && typeof findCompiler() !== 'string';
    return { worked: true, builds, text: builds ? installed(cache) : await fetchOnly(cache) };
  } catch (error) {
    return { worked: false, builds: false, text: (error as Error).message.split('\n', 1)[0]! };
  } finally {
    process.env = before;
    rmSync(cache, { recursive: true, force: true });
  }
}

export interface MatrixOptions {
  /** How many of the cases that work are built and proven too. */
  full: number;
  /** An empty folder. */
  folder: string;
  log: (line: string) => void;
}

/** @throws naming each case that did not end as it must */
export async function installMatrix({ full, folder, log }: MatrixOptions): Promise<string> {
  const wrong: string[] = [];
  let left = full;
  const counts = { built: 0, fetched: 0, refused: 0 };
  for (const each of cases(folder)) {
    const { layout, python, refused } = each;
    const version =
      python && run(python, ['-c', 'import platform as p; print(p.python_version())'], seconds(20));
    const pip = python ? pipOf(python) : 'none';
    const start = Date.now();
    const wanted = left > 0 && !refused;
    const { worked, builds, text } = await outcomeOf(each, join(folder, 'a cache'), wanted);
    if (builds) left--;
    const right = refused ? !worked && refused.test(text) : worked;
    const step = !worked ? 'refused' : builds ? 'built' : 'fetched';
    counts[step]++;
    const row = {
      date: new Date().toISOString().slice(0, 10),
      layout,
      python:
        (version && version.status === 0 && version.stdout.trim().split('\n').at(-1)) || 'none',
      pip: typeof pip === 'string' ? 'none that runs' : pip.version,
      outcome: step,
      text: text.replaceAll(folder, '...'),
      seconds: Math.round((Date.now() - start) / 1000),
      command: `npm run soak -- native_install ${full}`,
    };
    log(Object.values(row).slice(1, 7).join(' | '));
    if (right) appendCsv('results/native_install.csv', [row]);
    else wrong.push(`${layout}, Python ${row.python}, pip ${row.pip}: ${text}`);
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return `${counts.built} installed; ${counts.fetched} fetched and checked; ${counts.refused} refused as they should be`;
}
