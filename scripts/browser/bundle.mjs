/** Test files of jest as modules for pages, in which what is Node's is left out or stands in. */
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tests = join(root, '__tests__');

/** What expect's dependencies on files and stack traces are given: never called but when they load. */
const NOTHING = `
  const nothing = new Proxy(function () {}, {
    get: (_, key) => (key === Symbol.toPrimitive ? () => '' : nothing),
    apply: () => '',
    construct: () => ({}),
  });
  module.exports = nothing;`;

/** Node's modules as pages have them, and the package by its own name. */
const inPages = {
  name: 'in-pages',
  setup({ onResolve, onLoad }) {
    const nodes = [...builtinModules, 'graceful-fs', 'stack-utils'];
    onResolve({ filter: /^[a-z][^.]*$/ }, ({ path, importer }) => {
      if (!nodes.includes(path.replace(/^node:/, ''))) return undefined;
      if (importer.includes('node_modules')) return { path, namespace: 'nothing' };
      return { path: join(tests, 'browser/node_stub.ts') };
    });
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: NOTHING }));
    onResolve({ filter: /^tfjs-spikingformer(\/.*)?$/ }, ({ path }) => ({
      path: join(root, path.slice('tfjs-spikingformer'.length), 'index.ts'),
    }));
  },
};

/** Each test file as a module of its own, and the workers, into `outdir`. */
export async function bundle(names, outdir) {
  const entry = (name) => `
    import '${tests}/browser/runner.ts';
    import '@tensorflow/tfjs-backend-webgpu';
    import '${tests}/support/properties.ts';
    import '${tests}/${name}.test.ts';`;
  const entries = {
    name: 'entries',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice(6), namespace: 'entry' }));
      onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => ({
        contents: entry(path),
        resolveDir: root,
        loader: 'ts',
      }));
    },
  };
  await build({
    entryPoints: [
      ...names.map((name) => ({ in: `entry:${name}`, out: name })),
      ...['gpu_worker', 'test_worker'].map((worker) => ({
        in: join(tests, `browser/${worker}.ts`),
        out: `browser/${worker}`,
      })),
    ],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    logLevel: 'error',
    ignoreAnnotations: true,
    define: {
      global: 'globalThis',
      __dirname: '"/support"',
      'process.env': '{"CI": "true"}',
      'process.platform': '"browser"',
    },
    plugins: [entries, inPages],
  });
}
