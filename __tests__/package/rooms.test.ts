/** Imports go one way between the rooms: lib <- layers <- models <- analysis, and cli on top; what begins with _ stays in its folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { root } from '../support/process';

/** What each room may import of the others; none imports the root, whose own file bundlers then keep. */
const MAY_IMPORT: Record<string, string[]> = {
  lib: [],
  display: ['lib'],
  layers: ['lib'],
  models: ['lib', 'layers', 'datasets'],
  analysis: ['lib', 'display', 'layers', 'models'],
  datasets: ['lib'],
  interop: ['lib', 'layers', 'models'],
  training: ['lib', 'display', 'layers', 'models', 'analysis', 'datasets', 'interop'],
  node: ['lib', 'display', 'layers', 'datasets', 'interop', 'training'],
  cli: [
    'lib',
    'display',
    'layers',
    'models',
    'analysis',
    'datasets',
    'interop',
    'training',
    'node',
  ],
};

const IMPORT = /(?:from|import|import\()\s*'(\.[^']*)'/g;

function sources(room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?[tj]s$/.test(file))
    .map((file) => join(root, room, file));
}

/** The rooms, other than its own, that a file imports. */
function roomsImportedBy(file: string, room: string): string[] {
  const imports = readFileSync(file, 'utf8').matchAll(IMPORT);
  return [...imports]
    .map(([, path]) => relative(root, resolve(dirname(file), path)).split(sep)[0] || 'index')
    .filter((imported) => imported !== room);
}

test.each(Object.entries(MAY_IMPORT))('%s imports only %j', (room, allowed) => {
  const files = sources(room);
  expect(files.length).toBeGreaterThan(0);
  const wrong = files.flatMap((file) =>
    roomsImportedBy(file, room)
      .filter((imported) => !allowed.includes(imported))
      .map((imported) => `${relative(root, file)} imports ${imported}`),
  );
  expect(wrong).toEqual([]);
});

/** Folders of code that is not the library's. */
const OTHERS = ['bench', 'examples', 'scripts'];

test('what begins with _ is private to its folder, and to those below', () => {
  const files = [...Object.keys(MAY_IMPORT), ...OTHERS].flatMap(sources);
  const wrong = files.flatMap((file) => {
    const imports = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, path]) => path);
    return imports
      .map((path) => resolve(dirname(file), path))
      .filter((path) => basename(path).startsWith('_') && !file.startsWith(dirname(path) + sep))
      .map((path) => `${relative(root, file)} imports ${relative(root, path)}`);
  });
  expect(wrong).toEqual([]);
});

/** Files of the rooms that hold a text, but for `except`. */
function filesWith(text: RegExp, except: string, rooms = Object.keys(MAY_IMPORT)): string[] {
  return rooms
    .flatMap(sources)
    .map((file) => relative(root, file).split(sep).join('/'))
    .filter((file) => file !== except && text.test(readFileSync(join(root, file), 'utf8')));
}

test('layers install no kernels: what they call in lib does', () => {
  expect(filesWith(/\binstallKernels\b|kernels\/install'/, '', ['layers', 'models'])).toEqual([]);
});

/** Those that use tfjs; others name parts of Python. */
const TFJS_ROOMS = ['lib', 'layers', 'models', 'analysis', 'training', 'cli'];

test.each([
  ['the engine', /\btf\.engine\(|\bENGINE\b/],
  ['members of others that begin with _', /(?<!\.|\bthis|\bsuper|internalsOf\(\w+\))\._[a-z]/i],
  ['compiled files of tfjs', /@tensorflow\/tfjs[a-z-]*\/dist/],
])('%s: private parts of tfjs are taken in lib/tfjs_internals.ts alone', (_, text) => {
  expect(filesWith(text, 'lib/tfjs_internals.ts', TFJS_ROOMS)).toEqual([]);
});
