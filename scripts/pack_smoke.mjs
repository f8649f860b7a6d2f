/**
 * Tries the packed package as a new user would: installs the tarball in an empty project and runs
 * the README's example as ESM, as CJS and through TypeScript; then what only a packed package can
 * show: one copy of each class across entries, registration kept by bundlers, the command.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toCommonJs, wrapBody } from './_example.mjs';
import { pack, root, run } from './_pack.mjs';

const project = mkdtempSync(join(tmpdir(), 'spikingformer-smoke-'));
const write = (name, text) => {
  mkdirSync(join(project, name, '..'), { recursive: true });
  writeFileSync(join(project, name), text);
};
const node = (...args) => run(process.execPath, args, { cwd: project });
const here = createRequire(import.meta.url);

/** The first fenced block of the README in a language that runs. */
function readmeExample() {
  const block = /^```(?:ts|js|typescript|javascript)\n([\s\S]*?)^```/m.exec(
    readFileSync(join(root, 'README.md'), 'utf8'),
  );
  if (!block) throw new Error('README.md must have an example in a ```ts block, but has none');
  return block[1];
}

/** The example without its types. */
function javascript(example) {
  const ts = here('typescript');
  const { ESNext, ES2022 } = { ...ts.ModuleKind, ...ts.ScriptTarget };
  const compilerOptions = { module: ESNext, target: ES2022, verbatimModuleSyntax: true };
  return ts.transpileModule(example, { compilerOptions }).outputText;
}

function install() {
  const { devDependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', '@types/node', 'typescript'];
  const specs = wanted.map((name) => `${name}@${devDependencies[name]}`);
  write('package.json', JSON.stringify({ name: 'smoke', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', pack(project), ...specs], { cwd: project });
  return version;
}

function typeCheck(name, file, options) {
  const compilerOptions = {
    strict: true,
    target: 'ES2022',
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    ...options,
  };
  write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions, files: [file] }));
  node('node_modules/typescript/bin/tsc', '-p', `tsconfig.${name}.json`);
}

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

/** Bundled for a browser, with all that is unused dropped, an import alone still registers. */
async function bundle() {
  const esbuild = createRequire(here.resolve('tsup'))('esbuild');
  write(
    'bundle.mjs',
    `import { serialization } from '@tensorflow/tfjs';
    import 'tfjs-spikingformer';
    import * as datasets from 'tfjs-spikingformer/datasets';
    import * as analysis from 'tfjs-spikingformer/analysis';
    if (!serialization.SerializationMap.getMap().classNameMap.LIFNode) throw new Error('dropped');
    console.log(Object.keys(datasets).length, Object.keys(analysis).length);`,
  );
  const outfile = join(project, 'bundle.out.mjs');
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(project, 'bundle.mjs')],
    outfile,
    external: ['@tensorflow/*'], // the bundle then runs in Node too
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser', // an import of a Node module is an error here
    format: 'esm',
    logLevel: 'silent',
  });
  write('bundle.out.mjs', outputFiles[0].text);
  node(outfile);
  return `${Math.round(outputFiles[0].contents.length / 1024)} KiB minified`;
}

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

const example = readmeExample();
const steps = {
  'the tarball installs': install,
  'README example, ESM': () => {
    write('example.mjs', javascript(example));
    return node('example.mjs');
  },
  'README example, CJS': () => {
    write('example.cjs', toCommonJs(javascript(example)));
    return node('example.cjs');
  },
  'README example, TypeScript, node16, ESM': () => {
    write('example.mts', example);
    typeCheck('node16', 'example.mts', { module: 'Node16', moduleResolution: 'Node16' });
  },
  'README example, TypeScript, node16, CJS': () => {
    write('example.cts', wrapBody(example));
    typeCheck('cjs', 'example.cts', { module: 'Node16', moduleResolution: 'Node16' });
  },
  'README example, TypeScript, bundler': () => {
    typeCheck('bundler', 'example.mts', { module: 'ESNext', moduleResolution: 'Bundler' });
  },
  'one copy of each class, ESM': () => {
    const imports = Object.entries(ENTRIES).map(
      ([name, path]) => `import * as ${name} from 'tfjs-spikingformer${path}';`,
    );
    const head = ["import * as tf from '@tensorflow/tfjs';", ...imports, 'let count = 0;'];
    write('copies.mjs', `${head.join('\n')}${ONE_COPY}`);
    return node('copies.mjs');
  },
  'one copy of each class, CJS': () => {
    const requires = Object.entries(ENTRIES).map(
      ([name, path]) => `const ${name} = require('tfjs-spikingformer${path}');`,
    );
    const head = ["const tf = require('@tensorflow/tfjs');", ...requires, 'let count = 0;'];
    write('copies.cjs', `${head.join('\n')}${ONE_COPY}`);
    return node('copies.cjs');
  },
  'batches from worker threads, ESM': () => {
    const imports = `import { batches } from 'tfjs-spikingformer/node';
    import { memorySource, trainTransforms } from 'tfjs-spikingformer/datasets';`;
    write('workers.mjs', `${imports}${WORKERS}`);
    return node('workers.mjs');
  },
  'batches from worker threads, CJS': () => {
    const requires = `const { batches } = require('tfjs-spikingformer/node');
    const { memorySource, trainTransforms } = require('tfjs-spikingformer/datasets');`;
    write('workers.cjs', `${requires}(async () => {${WORKERS}})();`);
    return node('workers.cjs');
  },
  'a browser bundle registers the layers': bundle,
  'npx spikingformer': () => {
    const npx = (...args) =>
      run('npx', ['--no-install', 'spikingformer', ...args], { cwd: project });
    npx('--help');
    npx('summary', 'spikingformer-4-256-cifar10', '--json');
    return npx('doctor');
  },
};

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
  else rmSync(project, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
