// Builds dist/spikingformer.min.js, the one file for a <script> tag: script_tag.ts with everything
// that it needs but TensorFlow.js, which the page has loaded before as `tf`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { pageGlobals } from './_page_globals.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, version, license } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

await build({
  absWorkingDir: root,
  entryPoints: ['script_tag.ts'],
  outfile: 'dist/spikingformer.min.js',
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'spiking',
  target: 'es2020',
  banner: { js: `/*! ${name} ${version}, ${license} */` },
  ignoreAnnotations: true, // package.json's sideEffects speaks of dist/
  plugins: [pageGlobals({ '@tensorflow/tfjs': 'tf' })],
  logLevel: 'warning',
});
