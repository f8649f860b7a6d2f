// Builds the page of examples/browser into dist/demo, whole and static, and serves it:
// `npm run demo`, with --build only to build, with --port N to choose the port.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { context } from 'esbuild';
import { pageGlobals } from './_page_globals.mjs';

const { values } = parseArgs({
  options: { build: { type: 'boolean' }, port: { type: 'string', default: '8000' } },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const here = createRequire(import.meta.url);
const page = join(root, 'examples/browser');
const out = join(root, 'dist/demo');

/** A file of an installed package, beside its `package.json`. */
const packaged = (name, file) => join(dirname(here.resolve(`${name}/package.json`)), file);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const wasm = (file) => packaged('@tensorflow/tfjs-backend-wasm', `dist/${file}`);
const files = [
  join(page, 'index.html'),
  join(page, 'style.css'),
  join(page, 'model'),
  join(root, 'dist/spikingformer.min.js'),
  join(root, 'dist/spikingformer-wasm.min.js'),
  packaged('@tensorflow/tfjs', 'dist/tf.min.js'),
  packaged('@tensorflow/tfjs-backend-webgpu', 'dist/tf-backend-webgpu.min.js'),
  wasm('tf-backend-wasm.min.js'),
  wasm('tfjs-backend-wasm.wasm'),
  wasm('tfjs-backend-wasm-simd.wasm'),
  wasm('tfjs-backend-wasm-threaded-simd.wasm'),
];
for (const file of files) cpSync(file, join(out, basename(file)), { recursive: true });

const building = await context({
  entryPoints: [join(page, 'main.ts')],
  outdir: out,
  bundle: true,
  minify: true,
  target: 'es2022',
  plugins: [
    pageGlobals({
      '@tensorflow/tfjs': 'tf',
      '@tensorflow/tfjs-backend-wasm': 'tf.wasm',
      'tfjs-spikingformer': 'spiking',
    }),
  ],
  logLevel: 'warning',
});
await building.rebuild();
if (values.build) {
  await building.dispose();
} else {
  const { port } = await building.serve({ servedir: out, host: '127.0.0.1', port: +values.port });
  console.log(`http://localhost:${port}/`);
}
