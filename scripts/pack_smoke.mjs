/**
 * Tries the packed package as a new user would: installs the tarball in an empty project and runs
 * the README's example as ESM, as CJS and through TypeScript; then what only a packed package can
 * show: one copy of each class across entries, registration kept by bundlers, the command.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './_pack.mjs';
import { bundleSteps } from './_smoke_bundles.mjs';
import {
  install,
  javascript,
  node,
  project,
  readmeExample,
  remove,
  write,
} from './_smoke_project.mjs';
import { scriptTagSteps } from './_smoke_script_tags.mjs';
import { typeSteps } from './_smoke_types.mjs';

/** Every class of `layers` is the one that is registered for loading, whichever entry came first. */
const ONE_COPY = `
for (const [name, layer] of Object.entries(spiking.layers)) {
  if (typeof layer !== 'function' || layer.className === undefined) continue;
  const [registered] = tf.serialization.SerializationMap.getMap().classNameMap[layer.className];
  if (registered.className !== layer.className || registered.prototype.constructor !== layer) {
    throw new Error(name + ' exists twice');
  }
  count++;
}
for (const entry of [node, analysis, datasets, training]) {
  for (const [name, value] of Object.entries(entry)) {
    if (name in spiking && spiking[name] !== value) throw new Error(name + ' exists twice');
  }
}
if (count < 5) throw new Error('only ' + count + ' layer classes found');
console.log(count + ' classes');
`;
const ENTRIES = {
  node: '/node',
  analysis: '/analysis',
  datasets: '/datasets',
  training: '/training',
  spiking: '',
};

/** Batches come from worker threads, whose file lies beside the entry. */
const WORKERS = `
const source = memorySource({
  ...{ name: 'numbers', split: 'train', shape: [4, 4, 3], classNames: ['any'] },
  ...{ data: new Uint8Array(10 * 48), labels: new Uint8Array(10) },
});
const transform = trainTransforms({ size: 4, autoAugment: 'rand-m9-n1' });
let images = 0;
for await (const { labels } of batches(source, { batchSize: 4, workers: 2, transform })) {
  images += labels.length;
}
if (images !== 10) throw new Error(images + ' images');
`;

/** The end of a failure's output, without the long lines of minified code. */
function tail(text) {
  const lines = text
    .split('\n')
    .map((line) => (line.length > 300 ? `${line.slice(0, 300)}...` : line));
  return lines.slice(-40).join('\n');
}

const TSX = ['--import', 'tsx'];
const TS_NODE = ['--require', 'ts-node/register'];
const TS_NODE_ESM = ['--no-warnings', '--loader', 'ts-node/esm'];

/** Runs the README's example from a folder of its own, with what `tsc --init` wrote until TypeScript 5.9. */
function typeScript(type, how) {
  const folder = `${type}-${how.at(-1).replace(/\W/g, '-')}`;
  const module = type === 'module' ? 'nodenext' : 'commonjs';
  const compilerOptions = {
    module,
    target: 'es2016',
    strict: true,
    esModuleInterop: true,
    skipLibCheck: true,
  };
  write(`${folder}/package.json`, { name: folder, private: true, type });
  write(`${folder}/tsconfig.json`, { compilerOptions });
  write(`${folder}/example.ts`, example);
  return node([...how, 'example.ts'], folder);
}

const example = readmeExample();
const steps = {
  'the tarball installs': install,
  'README example, ESM': () => {
    write('example.mjs', javascript(example));
    return node(['example.mjs']);
  },
  'README example, CJS': () => {
    write('example.cjs', javascript(example, { commonJs: true }));
    return node(['example.cjs']);
  },
  'README example, TypeScript, tsx, ESM': () => typeScript('module', TSX),
  'README example, TypeScript, tsx, CJS': () => typeScript('commonjs', TSX),
  'README example, TypeScript, ts-node, ESM': () => typeScript('module', TS_NODE_ESM),
  'README example, TypeScript, ts-node, CJS': () => typeScript('commonjs', TS_NODE),
  ...typeSteps(example, ENTRIES),
  'one copy of each class, ESM': () => {
    const imports = Object.entries(ENTRIES).map(
      ([name, path]) => `import * as ${name} from 'tfjs-spikingformer${path}';`,
    );
    const head = ["import * as tf from '@tensorflow/tfjs';", ...imports, 'let count = 0;'];
    write('copies.mjs', `${head.join('\n')}${ONE_COPY}`);
    return node(['copies.mjs']);
  },
  'one copy of each class, CJS': () => {
    const requires = Object.entries(ENTRIES).map(
      ([name, path]) => `const ${name} = require('tfjs-spikingformer${path}');`,
    );
    const head = ["const tf = require('@tensorflow/tfjs');", ...requires, 'let count = 0;'];
    write('copies.cjs', `${head.join('\n')}${ONE_COPY}`);
    return node(['copies.cjs']);
  },
  'batches from worker threads, ESM': () => {
    const imports = `import { batches } from 'tfjs-spikingformer/node';
    import { memorySource, trainTransforms } from 'tfjs-spikingformer/datasets';`;
    write('workers.mjs', `${imports}${WORKERS}`);
    return node(['workers.mjs']);
  },
  'batches from worker threads, CJS': () => {
    const requires = `const { batches } = require('tfjs-spikingformer/node');
    const { memorySource, trainTransforms } = require('tfjs-spikingformer/datasets');`;
    write('workers.cjs', `${requires}(async () => {${WORKERS}})();`);
    return node(['workers.cjs']);
  },
  ...bundleSteps,
  ...scriptTagSteps,
  'no TextDecoder, as in jest and React Native': () => {
    write(
      'bare.cjs',
      `delete globalThis.TextDecoder;
    require('@tensorflow/tfjs');
    ${Object.values(ENTRIES)
      .filter((path) => path !== '/node')
      .map((path) => `require('tfjs-spikingformer${path}');`)
      .join('\n')}`,
    );
    return node(['bare.cjs']);
  },
  'spikingformer init, a project for images': () => projectOfInit('images'),
  'spikingformer init, a project for recordings': () => projectOfInit('events'),
  'npx spikingformer': () => {
    const npx = (...args) =>
      run('npx', ['--no-install', 'spikingformer', ...args], { cwd: project });
    npx('--help');
    npx('summary', 'spikingformer-4-256-cifar10', '--json');
    npx('summary', 'digits', '--json');
    return npx('doctor');
  },
};

/** A project of `init`, whose script finds in the folder above what it imports. */
function projectOfInit(kind) {
  const bin = 'node_modules/tfjs-spikingformer/bin/spikingformer.mjs';
  node([bin, 'init', kind, `--${kind}`]);
  const recipe = readFileSync(join(project, kind, 'recipe.yaml'), 'utf8');
  write(`${kind}/recipe.yaml`, recipe.replace(/^epochs: .*/m, 'epochs: 3'));
  const output = node([...TSX, 'train.ts'], kind);
  if (!/^a sample of \w+ is taken for \w+$/m.test(output)) throw new Error(output);
  return output;
}

let failed = 0;
try {
  for (const [name, step] of Object.entries(steps)) {
    try {
      const output = await step();
      console.log(`ok      ${name}`);
      if (process.argv.includes('--verbose') && output) console.log(output.trimEnd());
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n${tail(error.message)}`);
      if (step === install) break;
    }
  }
} finally {
  if (process.argv.includes('--keep')) console.log(`kept ${project}`);
  else remove();
}
process.exitCode = failed ? 1 : 0;
