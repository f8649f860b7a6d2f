// Builds the files for <script> tags, of everything that they need but TensorFlow.js, which the page
// has loaded before as `tf`: dist/spikingformer.min.js, of script_tag.ts; the same with one family of
// networks in dist/families/, for pages that load as little as they can; and, as tfjs's own wasm backend
// is a file of its own, dist/spikingformer-wasm.min.js with the kernels for it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { familyFiles, onlyFamily } from './_page_families.mjs';
import { pageGlobals } from './_page_globals.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, version, license } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const missing = `The wasm backend needs ${name}'s kernels for it: <script src=".../dist/spikingformer-wasm.min.js"></script>`;

/** What stands for a folder of lib/kernels in the main file. */
const standIns = {
  // tfjs-node is in no page.
  './tensorflow': `
    export const tensorflow = { name: 'tensorflow', kernels: () => [], overrides: () => [] };`,
  './wasm': `
    const loaded = () => {
      if (!globalThis.spikingWasm) throw new Error(${JSON.stringify(missing)});
      return globalThis.spikingWasm;
    };
    export const wasm = {
      name: 'wasm',
      kernels: () => loaded().wasm.kernels(),
      overrides: () => loaded().wasm.overrides(),
    };`,
};

const otherFiles = {
  name: 'other-files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/(?:tensorflow|wasm)$/ }, ({ path, importer }) =>
      importer.endsWith('backends.ts') ? { path, namespace: 'stand-in' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'stand-in' }, ({ path }) => ({ contents: standIns[path] }));
  },
};

const scriptTag = (entry, file, globalName, plugins = []) =>
  build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: `dist/${file}`,
    bundle: true,
    minify: true,
    format: 'iife',
    globalName,
    target: 'es2020',
    banner: { js: `/*! ${name} ${version}, ${license} */` },
    ignoreAnnotations: true, // package.json's sideEffects is about dist/
    plugins: [pageGlobals({ '@tensorflow/tfjs': 'tf' }), ...plugins],
    logLevel: 'warning',
  });

await scriptTag('script_tag.ts', 'spikingformer.min.js', 'spiking', [otherFiles]);
for (const family of familyFiles) {
  const plugins = [otherFiles, onlyFamily(family)];
  await scriptTag('script_tag.ts', `families/${family}.min.js`, 'spiking', plugins);
}
await scriptTag('lib/kernels/wasm/index.ts', 'spikingformer-wasm.min.js', 'spikingWasm');
