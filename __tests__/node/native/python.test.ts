/** Finding Pythons and their pips among those that hang, fail or print what they should not. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  findPip,
  normalizedName,
  pipOf,
  pythons,
  writesReports,
} from '../../../node/native/python';
import { temporaryDirectory } from '../../support/process';
import { makePython, withoutActivePython } from './_fakes';

const directory = temporaryDirectory();
let count = 0;
const fake = (script: string) => makePython(join(directory, `with a space ${count++}`), script);
const versionIs = (version: string) => fake(`echo pip ${version} from /x/pip '(python 3.12)'`);

withoutActivePython();

/** These alone are on PATH. */
function usePath(...paths: string[]): void {
  process.env.PATH = paths.map(dirname).join(':');
}

test.each([
  'tensorflow-cpu',
  'tensorflow_cpu',
  'tensorflow.cpu',
  'Tensorflow-CPU',
  'tensorflow-_.cpu',
])('%s is one package', (name) => expect(normalizedName(name)).toBe('tensorflow-cpu'));

test("the active environment's come first, each environment's once", () => {
  const [venv, conda, other] = ['venv/bin', 'conda prefix/bin', 'other'].map((name) =>
    makePython(join(directory, name), 'exit 0'),
  ) as [string, string, string];
  symlinkSync('python3', join(dirname(venv), 'python')); // the same environment
  const another = join(directory, 'another/bin');
  mkdirSync(another, { recursive: true });
  symlinkSync(venv, join(another, 'python')); // the same file, and an environment of its own
  const links = join(directory, 'links');
  symlinkSync(dirname(other), links); // as /bin to /usr/bin
  process.env.VIRTUAL_ENV = dirname(dirname(venv));
  process.env.CONDA_PREFIX = dirname(dirname(conda));
  process.env.PATH = [dirname(other), links, another, join(directory, 'absent')].join(':');
  expect(pythons()).toEqual([venv, conda, other, join(another, 'python')]);
});

test('the first pip that writes reports, else the first that runs', () => {
  const [none, old, middle, recent] = [
    fake('exit 1'),
    ...['20.0.2', '22.0.4', '22.2'].map(versionIs),
  ];
  usePath(none!, old!, middle!, recent!);
  expect(findPip()).toEqual({ python: recent, version: '22.2' });
  usePath(none!, old!, middle!);
  expect(findPip()).toEqual({ python: old, version: '20.0.2' });
});

test.each([
  ['9.0.3', false],
  ['22.1.2', false],
  ['22.2', true],
  ['22.2b1', true],
  ['23.0.1', true],
  ['26.3.dev0', true],
])('pip %s writes reports: %j', (version, expected) => {
  expect(writesReports({ python: 'python3', version })).toBe(expected);
});

test('what else is printed does not matter', () => {
  const python = fake('echo shim: 3.12; echo pip 24.0 from /x/pip; echo DEPRECATION >&2');
  expect(pipOf(python)).toEqual({ python, version: '24.0' });
});

test.each([
  [
    'exec sleep 60',
    /has no pip that runs: .* -m pip --version did not end within 0\.3 s and was killed$/,
  ],
  ['sleep 60', /did not end within 0\.3 s/],
  ['echo No module named pip >&2; exit 1', /has no pip that runs: No module named pip$/],
  ['exit 0', /must print pip's version, but printed ""$/],
  ['echo pip is fine', /must print pip's version, but printed "pip is fine"$/],
  ['exit 7', /it ended with status 7 and printed nothing$/],
])('%s: no pip, and why', (script, message) => {
  const python = fake(script);
  const limit = script.includes('sleep') ? 300 : 60_000; // what ends may take its time
  const start = Date.now();
  expect(pipOf(python, limit)).toMatch(message);
  expect(pipOf(python, limit)).toMatch(message);
  expect(Date.now() - start).toBeLessThan(50_000);
});

test('one that hangs is waited for once', () => {
  const python = fake('exec sleep 60');
  pipOf(python, 300);
  expect(pipOf(python, 20_000)).toMatch(/did not end within 0\.3 s/);
});

test('no Python at all: said, rather than an empty reason', () => {
  process.env.PATH = join(directory, 'absent');
  expect(findPip()).toBe('there is no python3 or python on PATH');
});
