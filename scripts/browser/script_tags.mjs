/** A page of script tags: tfjs, its wasm and webgpu backends and this library, as a page without a bundler has them. */
import { cpSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

const here = createRequire(import.meta.url);

const packaged = (name, file) =>
  join(dirname(here.resolve(`@tensorflow/${name}/package.json`)), 'dist', file);

const SCRIPTS = [
  packaged('tfjs', 'tf.min.js'),
  packaged('tfjs-backend-wasm', 'tf-backend-wasm.min.js'),
  packaged('tfjs-backend-webgpu', 'tf-backend-webgpu.min.js'),
  'dist/spikingformer.min.js',
  'dist/spikingformer-wasm.min.js',
];
/** One of these is loaded: the last in a page that is isolated from other origins. */
const BINARIES = ['', '-simd', '-threaded-simd'].map((kind) =>
  packaged('tfjs-backend-wasm', `tfjs-backend-wasm${kind}.wasm`),
);

/** Writes that page's index.html and its files; `scripts/build_script_tag.mjs` must have built ours. */
export function writeScriptTagPage(folder) {
  for (const file of [...SCRIPTS, ...BINARIES]) cpSync(file, join(folder, basename(file)));
  const tags = SCRIPTS.map((file) => `<script src="${basename(file)}"></script>`);
  const html = `<!doctype html><link rel="icon" href="data:,">${tags.join('')}`;
  writeFileSync(join(folder, 'index.html'), html);
}
