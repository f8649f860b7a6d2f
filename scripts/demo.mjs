// The page of examples/browser, whole and static. `npm run demo` builds it into a folder of its own and
// serves that until Ctrl-C, on --port N; with --build it is built into dist/demo, and not served.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { pageGlobals } from './_page_globals.mjs';
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

async function buildPage(out) {
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
  await build({
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
