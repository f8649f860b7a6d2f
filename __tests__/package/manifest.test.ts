/** package.json and the configurations that must say the same as it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../lib/shared';
import { root } from '../support/process';

const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const manifest = json('package.json');
const rooms = Object.keys(manifest.exports)
  .map((path) => path.slice(2))
  .filter((room) => room !== '' && room !== 'package.json');

test('every entry has ESM, CJS and types for both', () => {
  for (const room of ['', ...rooms]) {
    const base = room === '' ? './dist/index' : `./dist/${room}/index`;
    expect(manifest.exports[room === '' ? '.' : `./${room}`]).toEqual({
      import: { types: `${base}.d.ts`, default: `${base}.js` },
      require: { types: `${base}.d.cts`, default: `${base}.cjs` },
    });
  }
});

test('resolvers that do not know `exports` find the entries too', () => {
  const types = rooms.map((room) => [room, [`./dist/${room}/index.d.cts`]]);
  expect(manifest.typesVersions).toEqual({ '*': Object.fromEntries(types) }); // TypeScript's node10
  const inPages = rooms.filter((room) => room !== 'node');
  const files = inPages.map((room) => [`./${room}`, `./dist/${room}/index.js`]);
  expect(manifest.browser).toEqual(Object.fromEntries(files)); // Parcel, webpack 4, Metro
});

test('the build, TypeScript and jest know the same entries', () => {
  const entries = readFileSync(join(root, 'tsup.config.ts'), 'utf8').matchAll(/'(\w+)\/index': /g);
  expect([...entries].map(([, room]) => room).sort()).toEqual([...rooms, 'cli'].sort());

  const name = manifest.name;
  const own = rooms.map((room) => [`${name}/${room}`, [`./${room}/index.ts`]]);
  expect(json('tsconfig.json').compilerOptions.paths).toEqual(
    Object.fromEntries([[name, ['./index.ts']], ...own]),
  );

  const { moduleNameMapper } = require(join(root, 'jest.config.cjs'));
  for (const room of rooms) {
    const [pattern] = Object.keys(moduleNameMapper).filter((p) =>
      RegExp(p).test(`${name}/${room}`),
    );
    expect(pattern).toBeDefined();
  }
});

test('TensorFlow.js is a peer; its backends are optional ones', () => {
  const { peerDependencies, peerDependenciesMeta, dependencies, devDependencies } = manifest;
  const optional = Object.keys(peerDependenciesMeta);
  expect(Object.keys(peerDependencies).filter((name) => !optional.includes(name))).toEqual([
    '@tensorflow/tfjs',
  ]);
  for (const name of optional) expect(peerDependenciesMeta[name]).toEqual({ optional: true });
  expect(Object.keys(dependencies).filter((name) => name.startsWith('@tensorflow/'))).toEqual([]);
  // An absent tfjs-node must not break `npm ci`, so nothing here asks for it.
  expect(Object.keys(devDependencies).filter((name) => name.includes('tfjs-node'))).toEqual([]);
});

test('the package holds the build and what it reads, and no page of the demo, test or document', () => {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const paths: string[] = JSON.parse(json)[0].files.map(({ path }: { path: string }) => path);
  const expected =
    /^(bin\/spikingformer\.mjs|dist\/(?!demo\/).+|native\/(?:cuda\/|mpi\/)?\w+\.(?:cc|cu|cuh|h)|native\/README\.md|recipes\/[\w-]+\.yaml|tokenizers\/\w+\.json|templates\/\w+\.(?:html|md|ts)|weights\/\w+\/(?:model\.json|model\.weights\.\w{16}\.bin)|(?:CHANGELOG|README|UPGRADING)\.md|LICENSE|package\.json)$/;
  expect(paths.filter((path) => !expected.test(path))).toEqual([]);
  expect(paths).toEqual(
    expect.arrayContaining([
      ...['LICENSE', 'README.md', 'CHANGELOG.md', 'UPGRADING.md', 'bin/spikingformer.mjs'],
      ...['native/addon.cc', 'native/cuda/kernels.cu', 'native/mpi/addon.cc'],
      ...['recipes/cifar10-tiny.yaml', 'tokenizers/ratedsentences.json'],
    ]),
  );
});

test('it is published with provenance, for all', () => {
  expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
});

test('the lock file names no host but the public registry', () => {
  const { packages } = json('package-lock.json');
  const resolved = Object.values<{ resolved?: string }>(packages).flatMap((p) => p.resolved ?? []);
  expect(resolved.filter((url) => !url.startsWith('https://registry.npmjs.org/'))).toEqual([]);
});

test('the lock file has the binaries of every platform, or `npm ci` refuses it', () => {
  const script = join(root, 'scripts/complete_lockfile.mjs');
  const output = execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(output).toBe('package-lock.json is complete\n');
});

test('the version that copies compare is that of the package', () => {
  expect(VERSION).toBe(manifest.version);
});
