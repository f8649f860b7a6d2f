/** scripts/_example.mjs: what makes the README's ES module example run as CommonJS. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/process';

function toCommonJs(code: string): string {
  const url = pathToFileURL(join(root, 'scripts/_example.mjs')).href;
  const script = `
    import { toCommonJs } from ${JSON.stringify(url)};
    process.stdout.write(toCommonJs(${JSON.stringify(code)}));`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

test('every form of import becomes require, the rest may await', () => {
  const code = `import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  layers,
  observe as look,
} from "tfjs-spikingformer";

await tf.ready();
`;
  expect(toCommonJs(code)).toBe(`const tf = require('@tensorflow/tfjs');
require('@tensorflow/tfjs-backend-wasm');
const {
  layers,
  observe : look,
} = require("tfjs-spikingformer");
async function main() {
await tf.ready();
}
void main();
`);
});

test('an import that it does not know is an error', () => {
  expect(() => toCommonJs("import tf from '@tensorflow/tfjs';")).toThrow(
    /cannot turn into require/,
  );
});
