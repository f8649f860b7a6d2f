/**
 * Importing an entry for pages needs nothing but the language and TensorFlow.js: neither TextDecoder,
 * which jest's jsdom and React Native's Hermes lack, nor fetch, `process`, `document` or a GPU.
 */
import { runScript } from '../support/process';

/** Bundles an entry, all but TensorFlow.js in it, and runs it in a context that has no globals of a host. */
const SCRIPT = `
import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

const require = createRequire(process.cwd() + '/package.json');
const { outputFiles: [{ text }] } = await build({
  entryPoints: [process.argv[1]],
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'browser',
  external: ['@tensorflow/*'],
  ignoreAnnotations: true, // package.json's sideEffects is about dist/
  logLevel: 'silent',
});
const context = createContext({});
runInContext("'use strict'; delete globalThis.WebAssembly; delete globalThis.console;", context);
const run = runInContext('(function (require, module) {' + text + '\\n})', context);
const module = { exports: {} };
run(require, module);
console.log(JSON.stringify(Object.keys(module.exports)));
`;

test.each([
  ['index.ts', 'layers'],
  ['datasets/index.ts', 'readIdx'],
  ['analysis/index.ts', 'energy'],
  ['training/index.ts', 'adamW'],
])('%s', (entry, name) => {
  const { status, stderr, stdout } = runScript(SCRIPT, [entry]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toContain(name);
});
